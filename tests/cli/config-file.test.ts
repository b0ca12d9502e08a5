import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stdout } from "node:process";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { Command } from "commander";
import { addEditCommands } from "../../src/cli/commands/servers/edit.js";
import { addImportCommand } from "../../src/cli/commands/servers/import.js";
import { type ConfigFile, changeConfigFile } from "../../src/config/edit/config-file.js";
import type { ServerEdit } from "../../src/config/edit/server-edit.js";
import { withFileLock } from "../../src/core/files/file-lock.js";
import { folderWith } from "../config/folder.js";

const at = (path: string) => ({ path, isFound: false, ownFolder: "/nowhere" });

const second: ServerEdit = { kind: "set", name: "second", entry: { command: "two" } };

test("a change starts from what another command has written meanwhile, and keeps it", async () => {
  using folder = folderWith({ "config.yaml": "mcpServers: {}\n" });
  const path = join(folder.path, "config.yaml");
  const seen: string[][] = [];
  const plan = ({ servers }: ConfigFile) => {
    seen.push(Object.keys(servers));
    return { edits: [second] };
  };
  const { changed } = await withFileLock(`${path}.lock`, async () => {
    const changed = changeConfigFile(at(path), plan);
    writeFileSync(path, "mcpServers:\n  first:\n    command: one\n");
    return { changed };
  });
  await changed;
  expect(seen).toEqual([[], ["first"]]);
  expect(readFileSync(path, "utf8")).toMatch(/first:\n {4}command: one\n {2}second:\n {4}command: two\n/);
  expect(readdirSync(folder.path)).toEqual(["config.yaml"]);
});

test("a refused change creates no folder", async () => {
  using folder = folderWith({});
  const config = join(folder.path, "new", "config.yaml");
  await changeConfigFile(at(config), () => ({ edits: [] }));
  expect(existsSync(join(folder.path, "new"))).toBe(false);
});

describe("commands that run at the same time", () => {
  beforeAll(() => {
    jest.spyOn(stdout, "write").mockReturnValue(true);
  });
  afterAll(() => {
    jest.restoreAllMocks();
  });

  /** Runs each `servers` command on the file, all at once. Resolves with the messages of those that failed. */
  async function failuresOf(config: string, ...commands: string[][]): Promise<string[]> {
    const runs = commands.map((args) => {
      const servers = new Command();
      addEditCommands(servers, () => ({ config }));
      addImportCommand(servers, () => ({ config }));
      return servers.parseAsync(args, { from: "user" });
    });
    const ends = await Promise.allSettled(runs);
    return ends.flatMap((end) => (end.status === "rejected" ? [(end.reason as Error).message] : []));
  }

  test("may add a server of the same name: one adds it, the other reports that it exists", async () => {
    using folder = folderWith({ "config.yaml": "mcpServers: {}\n" });
    const path = join(folder.path, "config.yaml");
    const failures = await failuresOf(path, ["add", "s", "one"], ["add", "s", "two"]);
    expect(failures).toEqual([expect.stringContaining('has a server "s" already')]);
  });

  test("may remove the same server: one removes it, the other reports that it does not exist", async () => {
    using folder = folderWith({ "config.yaml": "mcpServers: { s: { command: one } }\n" });
    const path = join(folder.path, "config.yaml");
    const failures = await failuresOf(path, ["remove", "s"], ["remove", "s"]);
    expect(failures).toEqual([expect.stringContaining('has no server "s"')]);
  });

  test("may import the same servers: the second keeps what the first has imported", async () => {
    using folder = folderWith({
      "config.yaml": "mcpServers: {}\n",
      "one.json": '{ "mcpServers": { "s": { "command": "one" } } }',
      "two.json": '{ "mcpServers": { "s": { "command": "two" } } }',
    });
    const path = join(folder.path, "config.yaml");
    const from = (file: string) => ["import", "--from", join(folder.path, file)];
    expect(await failuresOf(path, from("one.json"), from("two.json"))).toEqual([]);
    const reports = jest.mocked(stdout.write).mock.calls.map(([text]) => String(text));
    const saying = (words: string) => reports.filter((text) => text.includes(words)).length;
    expect([saying("  s: added"), saying("  s: kept")]).toEqual([1, 1]);
  });
});
