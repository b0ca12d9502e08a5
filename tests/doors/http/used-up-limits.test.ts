import { expect, test } from "@jest/globals";
import type { Observation } from "../../../src/core/ports.js";
import type { App } from "../../../src/index.js";
import { fixtureServer, startApp } from "../../support/app.js";
import { answer, type LlmServer, startLlmServer, toolCalls } from "../../support/llm-server.js";
import { sayAndCall } from "../support.js";
import { openDoor, post } from "./door.js";

const hi = [{ role: "user", content: "hi" }];
const bodies = {
  "chat/completions": { messages: hi },
  responses: { input: "hi" },
  messages: { messages: hi, max_tokens: 9 },
};
type Path = keyof typeof bodies;

/** Each of the three APIs, whole and streamed. */
const ways = (Object.keys(bodies) as Path[]).flatMap((path) => [
  { path, stream: false },
  { path, stream: true },
]);
type Way = (typeof ways)[number];

const words = (path: Path) =>
  path === "messages" ? { status: 402, type: "billing_error" } : { status: 429, code: "insufficient_quota" };

/** Opens the door of a host with these limits. `logged` has what the host logs. */
async function open(llm: LlmServer, limits: object) {
  const app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: { chat: { limits } } });
  const logged: Observation[] = [];
  const door = await openDoor(app, { observe: (line) => logged.push(line) });
  const ask = async ({ path, stream }: Way, headers: Record<string, string> = {}) => {
    const response = await post(`${door.url}/v1/${path}`, { ...bodies[path], model: "mcp-platform", stream }, headers);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const close = async () => {
    door.close();
    await app[Symbol.asyncDispose]();
  };
  return { app, door, logged, ask, [Symbol.asyncDispose]: close };
}

const bigUsage = { usage: { prompt_tokens: 50_000, completion_tokens: 5 } };
const callsTool = toolCalls([{ name: "s__echo", arguments: { n: 1 } }], bigUsage);

async function sentCalls({ sessions }: App): Promise<number> {
  const { conversations } = await sessions.conversations.list({ most: 100, includesHidden: true });
  const events = await Promise.all(conversations.map(({ conversationId }) => sessions.history(conversationId)));
  return events.flat().filter(({ type }) => type === "tool_sent").length;
}

test.each(ways)(
  "a limit that is used up before the model was asked is a refusal: $path, streamed $stream",
  async (way) => {
    await using llm = await startLlmServer([]);
    await using host = await open(llm, { conversation: { tokens: 10 } });
    const { status, headers, text } = await host.ask(way);
    const { error } = JSON.parse(text);
    const sentence =
      /^the turn was stopped: this conversation has used 0 of 10 tokens, and the next step needs about \d+ tokens \(chat\.limits\.conversation\.tokens\)$/;
    expect({ status, ...error }).toMatchObject({ ...words(way.path), message: expect.stringMatching(sentence) });
    expect([headers.get("x-should-retry"), headers.get("retry-after")]).toEqual(["false", null]);
    expect(llm.requests).toHaveLength(0);
    expect(host.logged).toEqual([
      { level: "warn", scope: "session", message: error.message, fields: { turn: expect.stringMatching(/^turn_/) } },
    ]);
  },
);

test("the same request again gets the same answer, and the log has it once", async () => {
  await using llm = await startLlmServer([]);
  await using host = await open(llm, { day: { tokens: 10 } });
  for (const way of ways) {
    const id = { "x-request-id": `again-${way.path}-${way.stream}` };
    const before = host.logged.length;
    const [first, again] = [await host.ask(way, id), await host.ask(way, id)];
    expect(first.status).toBe(words(way.path).status);
    const message = ({ text }: typeof first) => JSON.parse(text).error.message;
    expect([again.status, message(again)]).toEqual([first.status, message(first)]);
    expect(host.logged).toHaveLength(before + 1);
  }
});

test.each(ways)("no client repeats a call whose tool has run without a text: $path, streamed $stream", async (way) => {
  await using llm = await startLlmServer([callsTool]);
  await using host = await open(llm, { turn: { tokens: 50_100 } });
  const { status, headers, text } = await host.ask(way);
  const [, message] = /"message":"(A limit of the host stopped the turn[^"]*)"/.exec(text) ?? [];
  expect(message).toContain("a repetition would run them again");
  // opencode treats an error with one of these words as temporary. The last one would promise that the turn continues.
  expect(message).not.toMatch(/429|50[0-4]|rate.?limit|try again|X-Request-Id/);
  expect(text).not.toMatch(/"finish_reason":"(?!null)|"stop_reason":"|response\.incomplete/);
  if (way.path !== "messages") expect(text).toContain('"insufficient_quota"');
  if (way.stream) expect(status).toBe(200);
  else expect([status, headers.get("x-should-retry")]).toEqual([400, "false"]);
  expect([llm.requests.length, await sentCalls(host.app)]).toEqual([1, 1]);
  expect(host.logged).toEqual([
    expect.objectContaining({ message: expect.stringContaining("chat.limits.turn.tokens") }),
  ]);
});

test("a call with a request id whose tool has run gets the limit's sentence each time, and runs nothing again", async () => {
  await using llm = await startLlmServer([callsTool]);
  await using host = await open(llm, { turn: { tokens: 50_100 } });
  for (let attempt = 0; attempt < 2; attempt++) {
    const { status, text } = await host.ask({ path: "responses", stream: false }, { "x-request-id": "r" });
    const { code, message } = JSON.parse(text).error;
    expect([status, code, message]).toEqual([429, "insufficient_quota", expect.stringContaining("of 50,100 tokens")]);
  }
  expect([llm.requests.length, await sentCalls(host.app)]).toEqual([1, 1]);
});

test("a response that is read later is failed too", async () => {
  await using llm = await startLlmServer([callsTool]);
  await using host = await open(llm, { turn: { tokens: 50_100 } });
  const { text } = await host.ask({ path: "responses", stream: true });
  const [, id] = /"id":"(resp_[^"]+)"/.exec(text) ?? [];
  const read = await (await fetch(`${host.door.url}/v1/responses/${id}`)).json();
  expect(read).toMatchObject({ status: "failed", error: { code: "insufficient_quota" }, incomplete_details: null });
});

const ends: Record<Path, RegExp> = {
  "chat/completions": /"finish_reason":"length"/,
  responses: /"status":"incomplete"/,
  messages: /"stop_reason":"max_tokens"/,
};

test.each(ways)("an answer that a limit has cut short counts as an answer: $path, streamed $stream", async (way) => {
  await using llm = await startLlmServer([callsTool, callsTool, answer("so far")]);
  await using host = await open(llm, { turn: { calls: 1 } });
  const { status, text } = await host.ask(way);
  expect([status, text]).toEqual([200, expect.stringContaining("far")]);
  expect(text).toMatch(ends[way.path]);
  expect(host.logged).toEqual([]);
});

test("text beside a call does not count as the answer where the answer must be JSON", async () => {
  await using llm = await startLlmServer([sayAndCall("Let me see.", "s__echo", { n: 1 }, bigUsage.usage)]);
  await using host = await open(llm, { turn: { tokens: 50_100 } });
  const body = { messages: hi, response_format: { type: "json_object" } };
  expect((await post(`${host.door.url}/v1/chat/completions`, body)).status).toBe(400);
});
