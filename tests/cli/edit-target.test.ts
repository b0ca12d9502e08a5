import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { applyEdits, editTarget } from "../../src/cli/commands/servers/edit-target.js";
import { withFileLock } from "../../src/core/files/file-lock.js";
import { folderWith } from "../config/folder.js";

test("what another command has written meanwhile stays in the configuration", async () => {
  using folder = folderWith({ "config.yaml": "mcpServers: {}\n" });
  const path = join(folder.path, "config.yaml");
  const target = editTarget({ config: path });
  writeFileSync(path, "mcpServers:\n  first:\n    command: one\n");
  await applyEdits(target, [{ kind: "set", name: "second", entry: { command: "two" } }]);
  expect(readFileSync(path, "utf8")).toMatch(/first:\n {4}command: one\n {2}second:\n {4}command: two\n/);
});

test("a command waits while another one changes the configuration", async () => {
  using folder = folderWith({ "config.yaml": "mcpServers: {}\n" });
  const path = join(folder.path, "config.yaml");
  let edited: Promise<string[]> | undefined;
  await withFileLock(`${path}.lock`, async () => {
    edited = applyEdits(editTarget({ config: path }), [{ kind: "set", name: "second", entry: { command: "two" } }]);
    const before = readFileSync(path, "utf8");
    await readFile(path);
    writeFileSync(path, before.replace("{}", "\n  first:\n    command: one"));
  });
  await edited;
  expect(readFileSync(path, "utf8")).toMatch(/first:\n {4}command: one\n {2}second:\n {4}command: two\n/);
  expect(readdirSync(folder.path)).toEqual(["config.yaml"]);
});
