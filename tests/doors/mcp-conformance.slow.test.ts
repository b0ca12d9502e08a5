import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";
import { script, startApp } from "../support/app.js";
import { startLlmServer } from "../support/llm-server.js";
import { openDoor } from "./http/door.js";

test("the gateway passes the conformance suite's scenarios", async () => {
  await using llm = await startLlmServer([]);
  const conformance = script("tests/support/mcp-conformance-server.mjs");
  await using app = await startApp({ llm: llm.url, mcpServers: { conformance } });
  await app.ready();
  const passed = { chat: false, tools: ["*"], resources: true, prompts: true, plainNames: true };
  await using door = await openDoor(app, { mcp: { serve: passed } });
  const suite = "tests/slow-packages/node_modules/@modelcontextprotocol/conformance/dist/index.js";
  const command = [
    "--import",
    "./scripts/conformance-shim.mjs",
    suite,
    "server",
    "--url",
    `${door.url}/mcp`,
    "--suite",
    "all",
  ];
  const { stdout } = await promisify(execFile)(process.execPath, command, { maxBuffer: 2 ** 26 }).catch(
    (error) => error,
  );
  const summary = String(stdout).slice(String(stdout).indexOf("=== SUMMARY"));
  const failures = [...summary.matchAll(/^✗ (\S+?):/gm)].map(([, scenario]) => scenario);
  expect(summary.match(/^✓/gm)).toHaveLength(32);
  expect(failures).toEqual([]);
});
