import { expect, test } from "@jest/globals";
import { dump } from "js-yaml";
import { loadConfig } from "../../src/config/reading/load.js";
import { writtenServer } from "../../src/scripted/host/known-servers.js";
import { folderWith } from "../config/folder.js";

test("a server is written with its restrictions from the file that has it, the user's own or the one above", () => {
  const servers = {
    mine: { command: "mine", tools: { deny: ["wipe"], auto_approve: ["look"] }, sampling: "deny", trusted: true },
    both: { command: "mine", tools: { deny: ["wipe"] }, sampling: "allow" },
  };
  using folder = folderWith({
    "own/config.yaml": dump({ mcpServers: servers }),
    "project/config.yaml": dump({ mcpServers: { both: { command: "project", sampling: "allow", roots: ["."] } } }),
  });
  const loaded = loadConfig("project/config.yaml", { env: {}, cwd: folder.path, base: "own/config.yaml" });
  const entry = (name: string) => writtenServer(loaded, name, (text) => text);
  expect(entry("mine")).toEqual({ command: "mine", tools: { deny: ["wipe"] }, sampling: "deny" });
  expect(entry("both")).toEqual({ command: "project", roots: ["."], tools: { deny: ["wipe"] } });
  expect(entry("neither")).toEqual({ command: "neither" });
});
