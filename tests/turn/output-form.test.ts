import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { App } from "../../src/index.js";
import { collect, fixtureServer, startApp } from "../support/app.js";
import {
  answer,
  chunk,
  failure,
  type LlmServer,
  type Step,
  startLlmServer,
  stream,
  toolCalls,
} from "../support/llm-server.js";

const jsonSchema = {
  type: "object",
  required: ["title"],
  additionalProperties: false,
  properties: { title: { type: "string" }, tags: { type: "array", items: { type: "string" } } },
};
const output = { jsonSchema };
const good = '{"title":"a bug"}';

let steps: Step[] = [];
let llm: LlmServer;
let app: App;
let turns = 0;

beforeAll(async () => {
  llm = await startLlmServer(() => steps.shift() ?? failure(404));
  app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
  await app.ready();
});
afterAll(async () => {
  await app.close();
  await llm[Symbol.asyncDispose]();
});

async function ask(script: Step[], more: object = {}) {
  steps = [...script];
  const before = llm.requests.length;
  const session = app.sessions.open(`c${++turns}`);
  const options = { requestId: "r", text: "a bug as JSON", streaming: true, output, ...more };
  const events = await collect(session.prompt(options));
  expect(steps).toEqual([]);
  const shown = events.flatMap((event) => (event.type === "text_delta" ? [event.delta] : []));
  const said = events.flatMap((event) => (event.type === "assistant_message" ? [event] : []));
  const bodies = llm.requests.slice(before).map(({ body }) => body);
  return { session, end: events.at(-1), shown, said, bodies };
}

describe.each([{ streaming: true }, { streaming: false }])("an answer of a schema, streaming: $streaming", (mode) => {
  test("is asked for in the words of the wire, also behind the user's message, and shown as it is", async () => {
    const { end, shown, bodies } = await ask([answer(good)], mode);
    expect(end).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
    expect(shown).toEqual(mode.streaming ? [good] : []);
    const format = { type: "json_schema", json_schema: { name: "answer", schema: jsonSchema, strict: false } };
    expect(bodies).toMatchObject([{ response_format: format }]);
    expect(bodies[0]?.messages?.[0]?.content).not.toContain("JSON Schema");
    expect(bodies[0]?.messages?.[1]?.content).toContain(JSON.stringify(jsonSchema));
  });

  test("is paid if it does not fit, also where the second one fails", async () => {
    const usage = { prompt_tokens: 100, completion_tokens: 20 };
    const { end, shown, said } = await ask([answer('{"title":7}', { usage }), failure(401)], mode);
    expect(end).toMatchObject({ type: "turn_error" });
    expect(shown).toEqual([]);
    expect(said).toMatchObject([{ interrupted: true, message: { content: "" }, spent: { tokens: 120 } }]);
  });

  test("is that of the last request, after tools", async () => {
    const echo = toolCalls([{ name: "s__echo", arguments: { n: 1 } }]);
    const { end, said, bodies } = await ask([echo, answer(good)], mode);
    expect(end).toMatchObject({ stopReason: "end_turn" });
    expect(said.map(({ message }) => message.content)).toEqual(["", good]);
    expect(bodies.map(({ response_format }) => response_format !== undefined)).toEqual([true, true]);
  });

  test("is asked for once more if it does not fit; the conversation keeps the second one", async () => {
    const { session, end, shown, said, bodies } = await ask([answer('{"title":7}'), answer(good)], mode);
    expect(end).toMatchObject({ stopReason: "end_turn" });
    expect(shown).toEqual(mode.streaming ? [good] : []);
    expect(said).toMatchObject([{ message: { content: good }, attempts: 2 }]);
    expect(bodies[1]).toMatchObject({ tool_choice: "none" });
    expect(bodies[1]?.messages?.slice(-2)).toMatchObject([
      { role: "assistant", content: '{"title":7}' },
      { role: "user", content: expect.stringContaining("$.title must be string") },
    ]);
    // Both answers are billed.
    const { usage } = said[0] ?? {};
    const spent = { tokens: (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0) };
    expect(said[0]?.billed).toMatchObject([{ usage }, { usage, spent }]);
    expect(said[0]?.spent?.tokens).toBe(2 * spent.tokens);
    steps = [answer("fine")];
    await collect(session.prompt({ requestId: "r2", text: "thanks" }));
    const last = llm.requests.at(-1)?.body.messages?.map(({ content }) => content) ?? [];
    const asked = bodies[0]?.messages?.map(({ content }) => content) ?? [];
    expect(last).toEqual([...asked, good, "thanks"]);
    expect(asked[1]).toMatch(/^a bug as JSON\n\[Note of the host, .* JSON Schema/);
  });

  test("ends the turn with the path that is wrong, if none fits", async () => {
    const { end, said } = await ask([answer("no"), answer('{"title":"x","tags":["y",2]}')], mode);
    expect(end).toMatchObject({ type: "turn_error", error: { kind: "output" } });
    expect(end).toHaveProperty("error.message", expect.stringContaining("$.tags.1 must be string"));
    expect(said).toHaveLength(1);
  });

  test("loses the words and the fence around it", async () => {
    const { said } = await ask([answer(`Here:\n\`\`\`json\n${good}\n\`\`\``)], mode);
    expect(said).toMatchObject([{ message: { content: good } }]);
  });

  test("ends as cut or filtered, if it was", async () => {
    const cut = stream([chunk({ content: '{"title' }), chunk({}, "length"), "data: [DONE]\n\n"]);
    expect((await ask([cut], mode)).end).toMatchObject({ type: "turn_end", stopReason: "max_tokens" });
  });
});

test("a provider without schemas of answers is told in words from then on", async () => {
  await using other = await startLlmServer([
    failure(400, { body: { error: { message: "This response_format type is unavailable now" } } }),
    answer(good),
    answer(good),
  ]);
  await using host = await startApp({ llm: other.url });
  for (const requestId of ["r1", "r2"]) {
    const events = await collect(host.sessions.open("c").prompt({ requestId, text: "go", output }));
    expect(events.at(-1)).toMatchObject({ stopReason: "end_turn" });
  }
  const formats = other.requests.map(({ body }) => body.response_format !== undefined);
  expect(formats).toEqual([true, false, false]);
});

test("a schema that cannot be used is refused before anything is asked", async () => {
  const { end, bodies } = await ask([], { output: { jsonSchema: { type: "objekt" } } });
  expect(end).toMatchObject({ type: "turn_error", error: { kind: "usage" } });
  expect(end).toHaveProperty("error.message", expect.stringContaining("the schema cannot be used"));
  expect(bodies).toEqual([]);
});
