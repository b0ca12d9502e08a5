import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join, resolve } from "node:path";
import { expect, test } from "@jest/globals";
import { ended } from "./cli.js";
import { temporaryFolder } from "./mcp-hub.js";

/** Listens on the port as a model server would, unless a program of this machine does already. Collects the requests. */
async function listen(port: number, requests: string[]) {
  const server = createServer((request, response) => {
    requests.push(`${port} ${request.url}`);
    response.end(JSON.stringify({ object: "list", data: [{ id: "of-this-machine" }] }));
  });
  await new Promise((done) => server.once("error", done).listen(port, "127.0.0.1", () => done(undefined)));
  return server;
}

test("tests see neither the model servers of this machine nor the keys and settings of its user", async () => {
  const requests: string[] = [];
  const servers = await Promise.all([11434, 1234, 8080].map((port) => listen(port, requests)));
  using home = temporaryFolder();
  const settings = join(home.path, "mcp-platform");
  mkdirSync(settings);
  writeFileSync(join(settings, "config.yaml"), "llm: { active: groq }\nmcpServers: { broken: { command: /none } }\n");
  const env = {
    ...process.env,
    HOME: home.path,
    XDG_CONFIG_HOME: home.path,
    MCP_PLATFORM_LLM__ACTIVE: "openai",
    MCP_PLATFORM_CONFIG: join(home.path, "none.yaml"),
    OPENAI_API_KEY: "sk-of-the-user-0123456789",
    ANTHROPIC_API_KEY: "sk-ant-of-the-user-0123456789",
  };
  const part = ["tests/cli/reload", "tests/config", "tests/scripted/cassette/m", "tests/examples.slow"];
  const flags = ["--selectProjects", "sqlite", "--testPathIgnorePatterns", "tests/.+/.*slow.test", "--maxWorkers", "2"];
  const node = [
    "--experimental-vm-modules",
    "--no-warnings=ExperimentalWarning",
    resolve("node_modules/jest/bin/jest.js"),
  ];
  const { exitCode, stderr } = await ended(spawn(process.execPath, [...node, ...part, ...flags], { env }));
  for (const server of servers) server.close();
  expect([exitCode, exitCode === 0 ? "" : stderr]).toEqual([0, ""]);
  expect(requests).toEqual([]);
}, 600_000);
