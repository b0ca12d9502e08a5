import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { readCassette } from "../../../src/scripted/cassette/file/read.js";
import { temporaryFolder } from "../../support/mcp-hub.js";

test("a device in the place of a cassette is not read: it may never end", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "a.jsonl");
  symlinkSync("/dev/zero", path);
  expect(() => readCassette(path)).toThrow("is a pipe or a device, not a file");
});
