/** Server answers that are valid JSON but cannot be serialised again: a client of the MCP door gets an error. */
import { PassThrough } from "node:stream";
import { expect, test } from "@jest/globals";
import { runMcp } from "../../src/doors/mcp/stdio.js";
import { startApp } from "../support/app.js";
import { startLlmServer } from "../support/llm-server.js";
import { mcpParts } from "../support/mcp-door.js";
import { openDoor, post } from "./http/door.js";
import { interrupts, Sink } from "./support.js";

/** A server that answers every request but lists with deeply nested arrays. */
const program = `
const deep = "[".repeat(50_000) + "]".repeat(50_000);
const meta = '"_meta":{"a":' + deep + "}";
const results = {
  initialize: JSON.stringify({
    protocolVersion: "2025-11-25",
    capabilities: { tools: {}, prompts: {}, resources: {} },
    serverInfo: { name: "f", version: "1" },
  }),
  "tools/list": '{"tools":[{"name":"t","inputSchema":{"type":"object"}}]}',
  "tools/call": '{"content":[{"type":"text","text":"ok"}],"structuredContent":{"a":' + deep + "}}",
  "prompts/list": '{"prompts":[{"name":"p"}]}',
  "prompts/get": '{"messages":[{"role":"user","content":{"type":"text","text":"x",' + meta + "}}]}",
  "resources/list": '{"resources":[{"name":"r","uri":"file:///r"}]}',
  "resources/templates/list": '{"resourceTemplates":[]}',
  "resources/read": '{"contents":[{"uri":"file:///r","text":"x",' + meta + "}]}",
};
require("node:readline").createInterface(process.stdin).on("line", (line) => {
  const { id, method } = JSON.parse(line);
  if (id === undefined) return;
  const result = results[method];
  const answer = result ? '"result":' + result : '"error":{"code":-32601,"message":"no such method"}';
  console.log('{"jsonrpc":"2.0","id":' + JSON.stringify(id) + "," + answer + "}");
});`;

const serve = { chat: false, tools: ["*"], prompts: true, resources: true, plainNames: false };
const said = { approval: "auto" as const };
const requests = [
  { method: "tools/call", params: { name: "f__t", arguments: {} } },
  { method: "prompts/get", params: { name: "f__p" } },
  { method: "resources/read", params: { uri: "file:///r" } },
].map((request, index) => ({ jsonrpc: "2.0", id: index + 1, ...request }));
const initialize = {
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } },
};
const problem = { code: -32603, message: expect.stringContaining("cannot be sent") };

async function startHost() {
  const llm = await startLlmServer([]);
  const app = await startApp({
    llm: llm.url,
    mcpServers: { f: { command: process.execPath, args: ["--eval", program] } },
    config: { mcp: { serve: { tools: ["*"], prompts: true, resources: true } } },
  });
  return {
    app,
    async [Symbol.asyncDispose]() {
      await app.close();
      await llm[Symbol.asyncDispose]();
    },
  };
}

test("an answer that is nested too deep is an error to a client on stdin and stdout", async () => {
  await using host = await startHost();
  const stdin = new PassThrough();
  const stdout = new Sink();
  const { onInterrupt } = interrupts();
  const exitCode = runMcp({ ...mcpParts(host.app, serve), given: said }, { stdin, stdout, onInterrupt });
  for (const message of [initialize, ...requests]) stdin.write(`${JSON.stringify(message)}\n`);
  for (const _ of requests) await stdout.until("cannot be sent");
  stdin.end();
  await exitCode;
  const answers = stdout.text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  for (const { id } of requests) expect(answers).toContainEqual({ jsonrpc: "2.0", id, error: problem });
});

test("an answer that is nested too deep is an error to a client over HTTP", async () => {
  await using host = await startHost();
  await using door = await openDoor(host.app, { mcp: { given: said } });
  const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
  const begun = await post(`${door.url}/mcp`, initialize, headers);
  await begun.text();
  const session = { ...headers, "mcp-session-id": begun.headers.get("mcp-session-id") ?? "" };
  for (const request of requests) {
    const text = await (await post(`${door.url}/mcp`, request, session)).text();
    const events = [...text.matchAll(/^data: (.+)$/gm)].map(([, data]) => JSON.parse(data ?? ""));
    expect(events).toContainEqual({ jsonrpc: "2.0", id: request.id, error: problem });
  }
});
