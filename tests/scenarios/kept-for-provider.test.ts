import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { collect, fixtureServer, startApp } from "../support/app.js";
import {
  answer,
  chunk,
  failure,
  type LlmRequest,
  type Step,
  stall,
  startLlmServer,
  stream,
} from "../support/llm-server.js";

const done = "data: [DONE]\n\n";
const call = (name: string) =>
  chunk({ tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name, arguments: "{}" } }] });
const calling = (name: string): Step => stream([call(name), chunk({}, "tool_calls"), done]);
const tools = ["echo", "snap"].map((name) => ({ name, inputSchema: { type: "object" } }));
const mcpServers = { s: fixtureServer({ pages: [tools] }) };
const go = { requestId: "r1", text: "go", streaming: true };
const more = { requestId: "r2", text: "and now?", streaming: true };

/** Acts as Gemini 3 behind OpenRouter: refuses requests in which an answer with a call has lost the details of its reasoning. */
function gemini(request: LlmRequest, step: Step): Step {
  const lost = request.body.messages?.find((message) => message.tool_calls && !message.reasoning_details);
  const raw = "Gemini models require OpenRouter reasoning details to be preserved in each request.";
  return lost ? failure(400, { body: { error: { message: "Provider returned error", metadata: { raw } } } }) : step;
}

/** Starts a host whose provider is called Mistral. */
async function startAtMistral(url: string) {
  const provider = { base_url: url, model: "m1", api_key: "sk-test-0123456789" };
  const app = await startApp({
    llm: url,
    mcpServers,
    config: { llm: { active: "mistral", providers: { mistral: provider } } },
  });
  await app.ready();
  return app;
}

/** Acts as Mistral: refuses a user message that directly follows a tool result or another user message. */
function mistral({ body: { messages = [] } }: LlmRequest, step: Step): Step {
  const roles = messages.map(({ role }) => role);
  const place = roles.findIndex((role, index) => role === "user" && /tool|user/.test(roles[index - 1] ?? ""));
  const message = `Unexpected role 'user' after role '${roles[place - 1]}'`;
  return place < 0 ? step : failure(400, { body: { object: "error", message, type: "invalid_request_message_order" } });
}

test("details of reasoning go back with their call: in the next hop, the next turn, and after a restart", async () => {
  const details = [
    { reasoning_details: [{ type: "reasoning.text", text: "Let me ", format: "google-gemini-v1", index: 0 }] },
    { reasoning_details: [{ type: "reasoning.text", text: "look.", format: "google-gemini-v1", index: 0 }] },
    { reasoning_details: [{ type: "reasoning.encrypted", id: "call_1", data: "U2ln", index: 0 }] },
  ];
  const whole = [
    { type: "reasoning.text", text: "Let me look.", format: "google-gemini-v1", index: 0 },
    { type: "reasoning.encrypted", id: "call_1", data: "U2ln", index: 0 },
  ];
  const first = stream([...details.map((delta) => chunk(delta)), call("s__echo"), chunk({}, "tool_calls"), done]);
  const script = [first, answer("one"), answer("two"), answer("three")];
  await using llm = await startLlmServer((request) => gemini(request, script[llm.requests.length - 1] ?? answer("")));
  const folder = mkdtempSync(join(tmpdir(), "kept-"));
  const host = { llm: llm.url, mcpServers, storage: { path: join(folder, "log.db") } };
  const says = async (text: string, of: Parameters<typeof collect>[0]) =>
    expect(JSON.stringify(await collect(of))).toContain(text);
  {
    await using app = await startApp(host);
    await app.ready();
    await says("Let me look.", app.sessions.open("c").prompt(go));
    await says("two", app.sessions.open("c").prompt(more));
  }
  {
    await using app = await startApp(host);
    await says("three", app.sessions.open("c").prompt({ ...more, requestId: "r3" }));
  }
  const sent = llm.requests.map(({ body }) => body.messages?.find(({ tool_calls }) => tool_calls)?.reasoning_details);
  expect(sent).toEqual([undefined, whole, whole, whole]);
  rmSync(folder, { recursive: true });
});

test.each([
  ["the model's next answer failed", [calling("s__echo"), failure(400), answer("fine")]],
  ["the tool returned a picture", [calling("s__snap"), answer("seen"), answer("fine")]],
  ["both", [calling("s__snap"), failure(400), answer("fine")]],
])("a conversation goes on at Mistral where %s", async (_name, script) => {
  await using llm = await startLlmServer((request) => mistral(request, script[llm.requests.length - 1] ?? answer("")));
  await using app = await startAtMistral(llm.url);
  await collect(app.sessions.open("c").prompt(go));
  const events = await collect(app.sessions.open("c").prompt(more));
  expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
  expect(llm.requests).toHaveLength(3);
});

test("a conversation goes on at Mistral where a turn was cancelled behind a tool's result", async () => {
  const script = [calling("s__echo"), stream([stall]), answer("fine")];
  await using llm = await startLlmServer((request) => mistral(request, script[llm.requests.length - 1] ?? answer("")));
  await using app = await startAtMistral(llm.url);
  const session = app.sessions.open("c");
  const cancelled = collect(session.prompt(go));
  await llm.received(2); // the request with the result
  session.cancel("r1");
  expect((await cancelled).at(-1)).toMatchObject({ type: "turn_end", stopReason: "cancelled" });
  expect((await collect(session.prompt(more))).at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
  expect(llm.requests[2]?.body.messages?.map(({ role }) => role).slice(-3)).toEqual(["tool", "assistant", "user"]);
});

test("another host of Mistral's models teaches the same once", async () => {
  const script = [calling("s__echo"), failure(400), answer("refused"), answer("two"), answer("three")];
  await using llm = await startLlmServer((request) => mistral(request, script[llm.requests.length - 1] ?? answer("")));
  await using app = await startApp({ llm: llm.url, mcpServers });
  await app.ready();
  const session = app.sessions.open("c");
  for (const requestId of ["r1", "r2", "r3"]) await collect(session.prompt({ ...go, requestId }));
  const bridge = { role: "assistant", content: "OK." };
  expect(llm.requests).toHaveLength(5);
  expect(llm.requests[4]?.body.messages?.filter(({ tool_calls }) => !tool_calls).slice(1, 5)).toMatchObject([
    { role: "user" },
    { role: "tool" },
    bridge,
    { role: "user" },
  ]);
});
