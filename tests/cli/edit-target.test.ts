import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { applyEdits, editTarget } from "../../src/cli/commands/servers/edit-target.js";
import { folderWith } from "../config/folder.js";

test("what another command has written meanwhile stays in the configuration", () => {
  using folder = folderWith({ "config.yaml": "mcpServers: {}\n" });
  const path = join(folder.path, "config.yaml");
  const target = editTarget({ config: path });
  writeFileSync(path, "mcpServers:\n  first:\n    command: one\n");
  applyEdits(target, [{ kind: "set", name: "second", entry: { command: "two" } }]);
  expect(readFileSync(path, "utf8")).toMatch(/first:\n {4}command: one\n {2}second:\n {4}command: two\n/);
});
