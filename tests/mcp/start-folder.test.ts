import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { loadConfig } from "../../src/config/reading/load.js";
import type { StdioServerConfig } from "../../src/core/config.js";
import { startOf } from "../../src/mcp/shared/command-line.js";
import { folderWith } from "../config/folder.js";

/** Loads the file `path` with one server, from the working folder `work`, and returns how the server's process starts. */
function startFrom(folder: string, path: string, entry: object) {
  writeFileSync(join(folder, path), JSON.stringify({ mcpServers: { "a/b": entry } }));
  const cwd = join(folder, "work");
  const { config } = loadConfig(join(folder, path), { env: { XDG_STATE_HOME: join(folder, "state"), PWD: cwd }, cwd });
  return startOf(config.mcpServers[0] as StdioServerConfig);
}

const files = { "home/x": "", "work/sub/x": "", "works/x": "" };

test.each([
  ["home/config.yaml", { command: "npx", args: ["-y", "fs", "."] }, ["npx", "-y", "fs", "W"], "own"],
  [
    "works/config.yaml",
    { command: "npx", args: ["./a", "../b", ".c", "...", "d/./e"] },
    ["npx", "W/./a", "W/../b", ".c", "...", "d/./e"],
    "own",
  ],
  ["home/config.yaml", { command: "./bin/server", args: [".."] }, ["W/bin/server", "W/.."], "own"],
  ["home/config.yaml", { command: "npx", args: ["."], cwd: "data" }, ["npx", "."], "home/data"],
  ["home/config.yaml", { command: "npx", cwd: "${PWD}" }, ["npx"], "work"],
  ["work/config.yaml", { command: "npx", args: ["."] }, ["npx", "."], undefined],
  ["work/sub/config.yaml", { command: "npx", args: ["."] }, ["npx", "."], undefined],
])("%s: %j starts as %j in %s", (path, entry, program, folderName) => {
  using made = folderWith(files);
  const folder = made.path;
  const { command, args, cwd } = startFrom(folder, path, entry);
  const own = join(folder, "state", "mcp-platform", "servers", "a%2Fb");
  const place = (text: string) => text.replace(join(folder, "work"), "W").replace(folder, "").replace(/^\//, "");
  expect([command, ...args].map(place)).toEqual(program);
  expect(cwd).toBe(folderName === "own" ? own : folderName && join(folder, folderName));
  expect(existsSync(own)).toBe(folderName === "own");
  if (folderName === "own") expect(statSync(own).mode & 0o777).toBe(0o700);
});

test.each([true, false])("servers of --mcp-config start in the working folder, with a found file: %s", (isFound) => {
  using made = folderWith({
    "work/config.yaml": "{}",
    "home/config.yaml": '{"mcpServers":{"mine":{"command":"npx"}}}',
  });
  const cwd = join(made.path, "work");
  const servers = join(made.path, "servers.json");
  writeFileSync(servers, JSON.stringify({ mcpServers: { named: { command: "node", args: ["server.js"] } } }));
  const overrides = { mcp: { config_file: servers } };
  const source = isFound ? "config.yaml" : "../home/config.yaml";
  const given = { env: { XDG_STATE_HOME: made.path }, cwd, overrides, ...(isFound && { base: "../home/config.yaml" }) };
  const { config } = loadConfig(source, given);
  const folders = new Map(config.mcpServers.map((server) => [server.name, "folders" in server]));
  expect(folders).toEqual(
    new Map([
      ["named", false],
      ["mine", true],
    ]),
  );
});

test("a server whose own folder cannot be created starts in the root folder", () => {
  const config = { command: "npx", args: ["."], folders: { own: join(process.execPath, "x"), working: process.cwd() } };
  expect(startOf(config)).toEqual({ command: "npx", args: [process.cwd()], cwd: "/" });
});
