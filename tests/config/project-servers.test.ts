import { statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { Confirmations, fingerprint, projectServers } from "../../src/config/consent/project-servers.js";
import { loadConfig } from "../../src/config/reading/load.js";
import { temporaryFolder } from "../support/mcp-hub.js";

const printOf = (server: object, env = {}) => {
  const loaded = loadConfig({ mcpServers: { s: server } }, { env });
  return fingerprint(projectServers(loaded, []), [], loaded);
};

test("the fingerprint depends on what the servers do, not on the secrets they get", () => {
  const server = { command: "a", args: ["b"], env: { TOKEN: "${T}" } };
  const print = printOf(server, { T: "1" });
  expect(printOf(server, { T: "2" })).toBe(print);
  expect(printOf({ ...server, timeout: 5 }, { T: "1" })).toBe(print);
  expect(printOf({ ...server, args: ["c"] }, { T: "1" })).not.toBe(print);
  expect(printOf({ ...server, env: { TOKEN: "${OTHER}" } }, { OTHER: "1" })).not.toBe(print);
  expect(printOf({ ...server, env: { TOKEN: "${T}", NODE_OPTIONS: "-r x" } }, { T: "1" })).not.toBe(print);
  expect(printOf({ ...server, env: { TOKEN: "x${T}" } }, { T: "1" })).not.toBe(print);
});

test("the fingerprint changes when a server gets more rights", () => {
  const server = { url: "http://127.0.0.1/mcp" };
  const more = [
    { trusted: true },
    { sampling: "allow" },
    { tools: { auto_approve: ["*"] } },
    { oauth: { grant: "client_credentials", client_id: "a", private_key_file: "key.pem" } },
  ];
  const prints = [{}, ...more].map((rights) => printOf({ ...server, ...rights }));
  expect(new Set(prints).size).toBe(more.length + 1);
  expect(printOf({ ...server, tools: { deny: ["x"], timeouts: { x: 5 } } })).toBe(printOf(server));
});

test("disabled servers and the user's own need no confirmation", () => {
  const loaded = loadConfig({ mcpServers: { a: { command: "a" }, b: { command: "b", enabled: false } } }, { env: {} });
  expect(projectServers(loaded, []).map(({ name }) => name)).toEqual(["a"]);
  expect(projectServers(loaded, loaded.config.mcpServers)).toEqual([]);
});

test("a confirmation holds for one path and one fingerprint, and is stored in a file of the user", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "state", "confirmed.json");
  new Confirmations(path).add("/a/config.yaml", "1");
  const kept = new Confirmations(path);
  expect(kept.has("/a/config.yaml", "1")).toBe(true);
  expect(kept.has("/a/config.yaml", "2")).toBe(false);
  expect(kept.has("/b/config.yaml", "1")).toBe(false);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});
