/** Calls whose caller keeps the history: no message of it is left out, and one that is too long is refused. */
import { describe, expect, test } from "@jest/globals";
import type { App } from "../../../src/index.js";
import { fixtureServer, startApp } from "../../support/app.js";
import {
  answer,
  failure,
  type LlmRequest,
  type LlmServer,
  startLlmServer,
  toolCalls,
} from "../../support/llm-server.js";
import { openDoor, post } from "./door.js";

const paths = ["/v1/chat/completions", "/v1/messages", "/v1/responses"] as const;
const ways = paths.flatMap((path) => [false, true].map((stream) => ({ path, stream })));
type Way = (typeof ways)[number];

const refusal = failure(400, {
  body: { error: { message: "maximum context length is 8000 tokens", code: "context_length_exceeded" } },
});

/** Returns a history of about this many tokens, which ends with a question of the user. */
function historyOf(tokens: number): { role: string; content: string }[] {
  const earlier = Array.from({ length: 20 }, (_, index) => ({
    role: index % 2 === 0 ? "user" : "assistant",
    content: `m${index} `.padEnd((tokens / 20) * 4, "word "),
  }));
  return [...earlier, { role: "user", content: "the question" }];
}

/** Sends the history over the API of `path`. */
async function send(url: string, { path, stream }: Way, history: readonly object[], more: object = {}) {
  const body =
    path === "/v1/responses" ? { input: history } : { model: "mcp-platform", max_tokens: 50, messages: history };
  const response = await post(`${url}${path}`, { ...body, stream, ...more });
  return { status: response.status, type: response.headers.get("content-type"), text: await response.text() };
}

/** Expects the refusal that clients of the API know, as a status and not within a stream. */
function expectTooLong({ path }: Way, refused: Awaited<ReturnType<typeof send>>, words = /./): void {
  expect([refused.status, refused.type]).toEqual([400, expect.stringContaining("application/json")]);
  const { error } = JSON.parse(refused.text);
  if (path === "/v1/messages") expect(error.message).toMatch(/^prompt is too long: /);
  else expect(error.code).toBe("context_length_exceeded");
  expect(error.message).toMatch(words);
}

/** Returns the texts of the messages that the model was sent, without the system prompt. */
const told = ({ body }: LlmRequest) => body.messages?.slice(1).map(({ content }) => content);

interface Setting {
  /** Name of the provider that is asked first. Default: `test`. */
  active?: string;
  /** Context windows of the providers, by name. */
  windows: Record<string, number>;
  fallback?: readonly string[];
  mcpServers?: Record<string, object>;
}

async function start(
  llms: Record<string, LlmServer>,
  { windows, active = "test", ...setting }: Setting,
): Promise<{ app: App; url: string } & AsyncDisposable> {
  const providers = Object.fromEntries(
    Object.entries(llms).map(([name, { url }]) => [
      name,
      { base_url: url, model: "m1", api_key: "sk-test-0123456789", context_window: windows[name] },
    ]),
  );
  const { fallback = [], mcpServers = {} } = setting;
  const config = { llm: { active, fallback, http: { max_retries: 0 }, providers } };
  const app = await startApp({ llm: "unused", mcpServers, config });
  const door = await openDoor(app);
  return {
    app,
    url: door.url,
    async [Symbol.asyncDispose]() {
      door.close();
      await app[Symbol.asyncDispose]();
    },
  };
}

describe.each(ways)("$path, streamed $stream", (way) => {
  test("a history that nearly fills the window goes out as it came, and the usage is that of the whole", async () => {
    await using llm = await startLlmServer([answer("fine", { usage: { prompt_tokens: 7_321, completion_tokens: 1 } })]);
    await using host = await start({ test: llm }, { windows: { test: 8_000 } });
    const history = historyOf(7_200);
    const { status, text } = await send(host.url, way, history, { stream_options: { include_usage: true } });
    expect(status).toBe(200);
    expect(text).toContain("7321");
    expect(llm.requests.map(told)).toEqual([history.map(({ content }) => content)]);
  });

  test("a history that the provider refuses as too long is sent once, and the client gets the error", async () => {
    await using llm = await startLlmServer([refusal]);
    await using host = await start({ test: llm }, { windows: { test: 8_000 } });
    const history = historyOf(12_000);
    expectTooLong(way, await send(host.url, way, history), /maximum context length is 8000 tokens/);
    expect(llm.requests.map(told)).toEqual([history.map(({ content }) => content)]);
  });

  test("a history that Ollama would cut off is refused without a request, and the error says what to do", async () => {
    await using llm = await startLlmServer([answer("fine")]);
    await using host = await start({ ollama: llm }, { active: "ollama", windows: { ollama: 8_000 } });
    const advice =
      /window of 8000 .*Shorten the conversation.*OLLAMA_CONTEXT_LENGTH.*llm\.providers\.ollama\.context_window/;
    expectTooLong(way, await send(host.url, way, historyOf(8_100)), advice);
    expect(llm.requests).toEqual([]);
    const history = historyOf(7_200);
    expect((await send(host.url, way, history)).status).toBe(200);
    expect(llm.requests.map(told)).toEqual([history.map(({ content }) => content)]);
  });
});

const [whole] = ways as [Way];

test("definitions of the caller's tools count for the window of Ollama", async () => {
  await using llm = await startLlmServer([]);
  await using host = await start({ ollama: llm }, { active: "ollama", windows: { ollama: 8_000 } });
  const tools = [{ type: "function", function: { name: "own", description: "word ".repeat(1_000), parameters: {} } }];
  expectTooLong(whole, await send(host.url, whole, historyOf(7_200), { tools }));
});

test("results of the servers' tools do not end the call, even if Ollama may cut off the beginning", async () => {
  const result = "word ".repeat(3_000);
  await using llm = await startLlmServer([
    toolCalls([{ name: "s__echo", arguments: { result } }]),
    answer("fine", { usage: { prompt_tokens: 7_900, completion_tokens: 1 } }),
  ]);
  const mcpServers = { s: fixtureServer() };
  await using host = await start({ ollama: llm }, { active: "ollama", windows: { ollama: 8_000 }, mcpServers });
  const history = historyOf(6_000);
  expect((await send(host.url, whole, history)).status).toBe(200);
  const sent = history.map(({ content }) => content);
  expect(llm.requests.map((request) => told(request)?.slice(0, sent.length))).toEqual([sent, sent]);
});

test("a call whose tools' results are too long for the provider continues without its oldest messages", async () => {
  await using llm = await startLlmServer([
    toolCalls([{ name: "s__echo", arguments: { n: 1 } }]),
    refusal,
    answer("done"),
  ]);
  await using host = await start({ test: llm }, { windows: { test: 8_000 }, mcpServers: { s: fixtureServer() } });
  const history = historyOf(7_000);
  expect((await send(host.url, whole, history)).status).toBe(200);
  const [first, refused, shortened] = llm.requests.map((request) => told(request)?.length ?? 0);
  expect([first, refused]).toEqual([history.length, history.length + 2]);
  expect(shortened).toBeLessThan(history.length);
});

describe("another model", () => {
  test.each([
    ["the provider has refused it", "test", 1],
    ["Ollama would cut it off", "ollama", 0],
  ])("with a larger window gets the whole history where %s", async (_, active, requests) => {
    await using small = await startLlmServer(() => refusal);
    await using large = await startLlmServer([answer("fine")]);
    const windows = { [active]: 8_000, large: 32_000 };
    await using host = await start({ [active]: small, large }, { active, windows, fallback: ["large"] });
    const history = historyOf(12_000);
    expect((await send(host.url, whole, history)).status).toBe(200);
    expect(small.requests).toHaveLength(requests);
    expect(large.requests.map(told)).toEqual([history.map(({ content }) => content)]);
  });

  test("with a smaller window is not asked if it runs on Ollama, and the call ends with the first failure", async () => {
    await using first = await startLlmServer([failure(503)]);
    await using ollama = await startLlmServer([]);
    const windows = { test: 32_000, ollama: 8_000 };
    await using host = await start({ test: first, ollama }, { windows, fallback: ["ollama"] });
    const { status, text } = await send(host.url, whole, historyOf(12_000));
    expect([status, text]).toEqual([503, expect.stringContaining("the beginning would be cut off")]);
  });

  test("with a smaller window is not asked after a refusal, and the call ends with the error", async () => {
    await using first = await startLlmServer([refusal]);
    await using smaller = await startLlmServer([]);
    const windows = { test: 32_000, smaller: 8_000 };
    await using host = await start({ test: first, smaller }, { windows, fallback: ["smaller"] });
    expectTooLong(whole, await send(host.url, whole, historyOf(33_000)));
  });
});

test("a conversation that the host keeps is shortened as usual", async () => {
  await using llm = await startLlmServer(() => answer("word ".repeat(1_000)));
  await using host = await start({ ollama: llm }, { active: "ollama", windows: { ollama: 8_000 } });
  const headers = { "x-conversation-id": "kept" };
  for (let turn = 0; turn < 8; turn++) {
    const messages = [{ role: "user", content: `question ${turn} ${"word ".repeat(1_000)}` }];
    const response = await post(`${host.url}/v1/chat/completions`, { messages }, headers);
    expect([response.status, await response.json()]).toMatchObject([200, { object: "chat.completion" }]);
  }
  expect((await host.app.sessions.history("kept")).map(({ type }) => type)).toContain("compaction");
});
