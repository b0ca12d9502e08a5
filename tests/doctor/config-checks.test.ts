import { expect, test } from "@jest/globals";
import { loadConfig } from "../../src/config/reading/load.js";
import { configFindings } from "../../src/doctor/config-checks.js";

test("permission rules about servers that are not configured are named, with the servers that are", () => {
  const permissions = {
    deny: ["s.push", "t.push", "host.read_resource", "a_b__x", "mcp__a.b", "mcp__a_b"],
    ask: ["*.x", "u__*"],
    // Only a rule that forbids means a server by another spelling, or by its whole name after `mcp__` although the name has a separator.
    allow: ["a.b.x", "a_b__x", "mcp__a.b", "mcp__a_b"],
  };
  const mcpServers = { s: { command: "run" }, "a.b": { command: "run" } };
  const loaded = loadConfig({ chat: { service: { permissions } }, mcpServers }, { env: {} });
  const findings = configFindings({ isFound: false, names: [], usersFile: "none.yaml", env: {}, loaded });
  const rules = findings.filter(({ check }) => check === "rules");
  expect(rules.map(({ text }) => text).sort()).toEqual([
    "permissions.allow: no configured server has a tool called a_b__x",
    "permissions.allow: no configured server has a tool called mcp__a.b",
    "permissions.allow: no configured server has a tool called mcp__a_b",
    "permissions.ask: no configured server has a tool called u__*",
    "permissions.deny: no configured server has a tool called t.push",
  ]);
  expect(rules[0]?.fix).toBe("write server.tool, with one of these servers: host, s, a.b");
});
