import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { openCassette } from "../../../src/scripted/cassette/cassette.js";
import { readCassette } from "../../../src/scripted/cassette/file/read.js";
import { temporaryFolder } from "../../support/mcp-hub.js";

test("a device in the place of a cassette is not read: it may never end", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "a.jsonl");
  symlinkSync("/dev/zero", path);
  expect(() => readCassette(path)).toThrow("is a pipe or a device, not a file");
});

test.each(["alias ls='ls -l'\n", '{"name":"x"}\n'])(
  "a recording replaces no file that is not a cassette: %j",
  async (text) => {
    using folder = temporaryFolder();
    const path = join(folder.path, "a.jsonl");
    writeFileSync(path, text);
    await expect(openCassette({ path, mode: "record" })).rejects.toThrow(
      "is not a cassette, and a recording would replace it",
    );
    expect(readFileSync(path, "utf8")).toBe(text);
  },
);

test.each(["", '{"cassette":1}\n', '{"cassette":2,"later":true}\nbroken'])(
  "a recording replaces an empty file, and a cassette of any version: %j",
  async (text) => {
    using folder = temporaryFolder();
    const path = join(folder.path, "a.jsonl");
    writeFileSync(path, text);
    const cassette = await openCassette({ path, mode: "record" });
    expect(await cassette.finish()).toEqual([]);
    expect(readFileSync(path, "utf8")).toBe('{"cassette":1}\n');
  },
);
