/** Valid JSON without sense from clients and models at the ACP door: it ends neither the door nor its other work. */
import { expect, test } from "@jest/globals";
import { openAcp, openRawAcp } from "../support/acp.js";
import { fixtureServer, startApp } from "../support/app.js";
import { answer, startLlmServer, toolCalls } from "../support/llm-server.js";

/** An object whose conversion to a string throws, because JSON has set its own `toString`. */
const mute = { toString: 1 };
const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
const initialize = { jsonrpc: "2.0", id: "init", method: "initialize", params: { protocolVersion: 1 } };

test.each([
  ["an id that is lists in lists", `{"jsonrpc":"2.0","id":${deep},"method":"session/list","params":{}}`],
  ["an answer whose id is lists in lists", `{"jsonrpc":"2.0","id":${deep},"result":{}}`],
  ["parameters that are lists in lists", `{"jsonrpc":"2.0","id":7,"method":"session/list","params":${deep}}`],
  ["a field that is lists in lists", `{"jsonrpc":"2.0","id":7,"method":"session/new","params":{"cwd":${deep}}}`],
  ["no field at all", "{}"],
  ["null", "null"],
  ["a number", "5"],
  ["a method that is an object", JSON.stringify({ jsonrpc: "2.0", id: 7, method: mute })],
  ["a method of every object", JSON.stringify({ jsonrpc: "2.0", id: 7, method: "__proto__", params: null })],
  ["another method of every object", JSON.stringify({ jsonrpc: "2.0", id: 7, method: "constructor", params: {} })],
  ["an id that is an object", JSON.stringify({ jsonrpc: "2.0", id: mute, method: "session/list", params: {} })],
  ["an error that is an object", JSON.stringify({ jsonrpc: "2.0", id: 7, error: { code: mute, message: mute } })],
  ["an error that is null", JSON.stringify({ jsonrpc: "2.0", id: 7, error: null })],
  ["a cancelled request of no id", JSON.stringify({ jsonrpc: "2.0", method: "$/cancel_request", params: null })],
  ["a cancelled session of no id", JSON.stringify({ jsonrpc: "2.0", method: "session/cancel", params: mute })],
  ["parameters that are a text", JSON.stringify({ jsonrpc: "2.0", id: 7, method: "session/prompt", params: "x" })],
])("the request after %s is answered", async (_, line) => {
  await using llm = await startLlmServer([]);
  await using app = await startApp({ llm: llm.url });
  const acp = openRawAcp(app);
  acp.send(line);
  acp.send(JSON.stringify(initialize));
  const messages = await acp.end();
  expect(messages).toContainEqual(expect.objectContaining({ id: "init", result: expect.anything() }));
});

test.each([
  ["s__echo", "lists in lists", deep],
  ["todo_write", "steps that are no texts", JSON.stringify({ todos: [{ content: "x", status: mute }, null, mute] })],
])("a call of %s with %s is shown, and the prompt is answered", async (name, _, args) => {
  await using llm = await startLlmServer([toolCalls([{ name, arguments: args }]), answer("done")]);
  await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
  await using acp = await openAcp(app);
  const sessionId = await acp.begin();
  expect(await acp.prompt(sessionId, "hi")).toEqual({ stopReason: "end_turn" });
  expect(acp.of("tool_call")).toHaveLength(1);
  expect(acp.said()).toBe("done");
  expect(await acp.agent.request("session/list", {})).toMatchObject({ sessions: expect.any(Array) });
});
