/** Questions and answers of a turn are stored in it. Objects that are nested too deeply cannot be made JSON. */
import { expect, test } from "@jest/globals";
import { textOf } from "../../src/core/messages.js";
import { fixtureServer, startApp } from "../support/app.js";
import { answer, startLlmServer, toolCalls } from "../support/llm-server.js";

const deep = JSON.parse(`${"[".repeat(50_000)}${"]".repeat(50_000)}`);
const params = { message: "who?", requestedSchema: { type: "object", properties: { name: { type: "string" } } } };

test("an answer that is nested too deep counts as a no, and the turn continues", async () => {
  await using llm = await startLlmServer([
    toolCalls([{ name: "s__ask", arguments: { method: "elicitation/create", params } }]),
    answer("done"),
  ]);
  await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
  const session = app.sessions.open("c");
  const results: string[] = [];
  for await (const event of session.prompt({ requestId: "r", text: "hi" })) {
    if (event.type === "question") session.answer(event.questionId, { action: "accept", content: { name: deep } });
    if (event.type === "tool_result") results.push(textOf(event.content));
  }
  expect(results).toEqual([expect.stringContaining("decline")]);
  expect((await session.history()).at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
});

/** A server that asks for a form during each call and returns the outcome. */
const program = `
const deep = "[".repeat(50_000) + "]".repeat(50_000);
const form = '{"type":"object","properties":{"name":{"type":"string","x":' + deep + "}}}";
const results = {
  initialize: { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "f", version: "1" } },
  "tools/list": { tools: [{ name: "t", inputSchema: { type: "object" } }] },
};
let call;
const say = (id, rest) => console.log(JSON.stringify({ jsonrpc: "2.0", id, ...rest }));
require("node:readline").createInterface(process.stdin).on("line", (line) => {
  const { id, method, error } = JSON.parse(line);
  if (id === undefined) return;
  if (method === undefined) say(call, { result: { content: [{ type: "text", text: error.message }] } });
  else if (method === "tools/call") {
    call = id;
    console.log('{"jsonrpc":"2.0","id":"asked","method":"elicitation/create","params":{"message":"who?","requestedSchema":' + form + "}}");
  } else say(id, results[method] ? { result: results[method] } : { error: { code: -32601, message: "no such method" } });
});`;

test("a form that is nested too deep is refused, and the turn continues", async () => {
  await using llm = await startLlmServer([toolCalls([{ name: "f__t", arguments: {} }]), answer("done")]);
  await using app = await startApp({
    llm: llm.url,
    mcpServers: { f: { command: process.execPath, args: ["--eval", program] } },
  });
  const session = app.sessions.open("c");
  const results: string[] = [];
  for await (const event of session.prompt({ requestId: "r", text: "hi" })) {
    if (event.type === "tool_result") results.push(textOf(event.content));
  }
  expect(results).toEqual([expect.stringContaining("nested too deep")]);
  expect((await session.history()).at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
});
