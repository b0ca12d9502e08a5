import { expect, test } from "@jest/globals";
import type OpenAI from "openai";
import { summarizeTurn } from "../../src/session/shared/summary.js";
import { openDoor, sdk } from "../doors/http/door.js";
import { collect, fixtureServer, isStored, shape, startApp } from "../support/app.js";
import { answer, failure, type LlmRequest, type Step, startLlmServer, toolCalls } from "../support/llm-server.js";

const tooLong = failure(400, { body: { error: { message: "too long", code: "context_length_exceeded" } } });
const words = (count: number) => "so it was said ".repeat(count);

function config(llm: string, window: number, service: object = {}) {
  const provider = { base_url: llm, model: "m1", api_key: "sk-test-0123456789", context_window: window };
  return {
    llm: { active: "test", http: { initial_retry_delay: 0.001, max_retry_delay: 0.01 }, providers: { test: provider } },
    chat: { service: { approval: "auto", ...service } },
  };
}

const isSummary = ({ text }: LlmRequest) => text.includes("You condense a conversation");
const contents = ({ body }: LlmRequest) => (body.messages ?? []).map(({ content }) => JSON.stringify(content));
const messages = ({ body }: LlmRequest) => JSON.stringify(body.messages).slice(0, -1);

/** Returns the problems for which a strict provider refuses the request. */
function problemsOf({ body }: LlmRequest): string[] {
  const problems: string[] = [];
  let expected: string[] = [];
  for (const [index, { role, tool_calls: calls = [], tool_call_id: id }] of (body.messages ?? []).entries()) {
    if (role === "tool") {
      if (expected.shift() !== id) problems.push(`${index}: a result without its call`);
      continue;
    }
    if (expected.length > 0) problems.push(`${index}: calls without results`);
    expected = calls.map((call) => call.id);
    if (role === "system" && index > 0) problems.push(`${index}: system`);
    if (index > 0 && body.messages?.[index - 1]?.role === role) problems.push(`${index}: two of ${role}`);
  }
  return problems;
}

/** Counts half a token for each byte, twice the host's first estimate. */
const usageOf = ({ text }: LlmRequest) => ({ prompt_tokens: Math.ceil(text.length / 2), completion_tokens: 5 });

test("a conversation of 400 turns answers, within the window, with whole pairs of calls and results; its requests begin alike from one summary to the next", async () => {
  const window = 8_000;
  let summaries = 0;
  const script = (request: LlmRequest): Step => {
    const usage = usageOf(request);
    if (usage.prompt_tokens > window) return tooLong;
    if (isSummary(request)) return answer(`summary number ${++summaries}`, { usage });
    if (request.body.messages?.at(-1)?.role === "tool") return answer(words(5), { usage });
    return toolCalls([{ name: "s__echo", arguments: { n: words(3) } }], { usage });
  };
  await using llm = await startLlmServer((request) => script(request));
  const servers = { s: fixtureServer() };
  await using app = await startApp({ llm: llm.url, mcpServers: servers, config: config(llm.url, window) });
  const session = app.sessions.open("c");
  for (let turn = 1; turn <= 400; turn++) {
    const events = await collect(session.prompt({ requestId: `r${turn}`, text: `question ${turn}`, streaming: false }));
    expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
  }
  expect(summaries).toBeGreaterThan(3);
  expect(summaries).toBeLessThan(60);
  expect(llm.requests.flatMap(problemsOf)).toEqual([]);
  const refused = llm.requests.filter((request) => usageOf(request).prompt_tokens > window);
  expect(refused.length).toBeLessThanOrEqual(1); // before the provider's first counts arrive
  const last = llm.requests.at(-1) as LlmRequest;
  expect(last.text).toContain(`summary number ${summaries}`);
  expect(last.text).toContain("question 400");
  expect(last.text).not.toContain('question 1"');
  const log = await session.history();
  expect(log.filter(({ type }) => type === "user_message")).toHaveLength(400);
  const own = llm.requests.filter((request) => !isSummary(request));
  const restarts = own
    .slice(1)
    .filter((request, index) => !messages(request).startsWith(messages(own[index] as LlmRequest)));
  expect(restarts.length).toBeLessThanOrEqual(summaries);
}, 600_000); // 400 stored turns take minutes on a busy machine

test("a task of 60 calls of the client's own tool, whose results fill the window five times, is done", async () => {
  const window = 8_000;
  let [calls, summaries] = [0, 0];
  const script = (request: LlmRequest): Step => {
    const usage = usageOf(request);
    if (usage.prompt_tokens > window) return tooLong;
    if (isSummary(request)) return answer(`summary number ${++summaries}`, { usage });
    return calls === 60
      ? answer("done", { usage })
      : toolCalls([{ name: "own", arguments: { n: ++calls } }], { usage });
  };
  await using llm = await startLlmServer((request) => script(request));
  await using app = await startApp({ llm: llm.url, config: config(llm.url, window) });
  await using door = await openDoor(app);
  const tools = [{ type: "function" as const, function: { name: "own", parameters: { type: "object" } } }];
  const send = async (sent: OpenAI.ChatCompletionMessageParam[]) => {
    const { choices } = await sdk(door, { defaultHeaders: { "x-conversation-id": "task" } }).chat.completions.create({
      model: "mcp-platform",
      messages: sent,
      tools,
    });
    return choices[0]?.message;
  };
  let message = await send([{ role: "user", content: "read all files" }]);
  while (message?.tool_calls?.[0])
    message = await send([{ role: "tool", tool_call_id: message.tool_calls[0].id, content: words(100) }]);
  expect(message?.content).toBe("done");
  expect(llm.requests.flatMap(problemsOf)).toEqual([]);
  expect(summaries).toBeGreaterThan(3);
  expect(summaries).toBeLessThan(20);
  expect(llm.requests.at(-1)?.text).toContain(`summary number ${summaries}`);
  expect(llm.requests.filter((request) => usageOf(request).prompt_tokens > window).length).toBeLessThanOrEqual(1);
}, 600_000); // as above

test.each([
  ["are off", "off", 8_000],
  ["are off, and the window is smaller than configured", "off", 32_000],
  ["fail", "auto", 8_000],
] as const)(
  "a task of the client's own tool that is done makes room for the messages after it, where summaries %s",
  async (_, compaction, configured) => {
    const window = 8_000;
    let calls = 0;
    const usageOf = ({ text }: LlmRequest) => ({ prompt_tokens: Math.ceil(text.length / 4), completion_tokens: 5 });
    const script = (request: LlmRequest): Step => {
      const usage = usageOf(request);
      if (usage.prompt_tokens > window) return tooLong;
      if (isSummary(request)) return answer("", { usage });
      if (request.text.includes("thank you") || calls === 7) return answer("done", { usage });
      return toolCalls([{ name: "write", arguments: { n: ++calls, text: words(256) } }], { usage });
    };
    await using llm = await startLlmServer((request) => script(request));
    await using app = await startApp({ llm: llm.url, config: config(llm.url, configured, { compaction }) });
    await using door = await openDoor(app);
    const tools = [{ type: "function" as const, function: { name: "write", parameters: { type: "object" } } }];
    const send = async (sent: OpenAI.ChatCompletionMessageParam[]) => {
      const client = sdk(door, { defaultHeaders: { "x-conversation-id": "task" }, maxRetries: 0 });
      const { choices } = await client.chat.completions.create({ model: "mcp-platform", messages: sent, tools });
      return choices[0]?.message;
    };
    let message = await send([{ role: "user", content: "write the program" }]);
    while (message?.tool_calls?.[0])
      message = await send([{ role: "tool", tool_call_id: message.tool_calls[0].id, content: "ok" }]);
    for (let turn = 1; turn <= 4; turn++) {
      const said = await send([{ role: "user", content: `thank you, note ${turn}: ${words(100)}` }]);
      expect(said?.content).toBe("done");
    }
    expect(llm.requests.flatMap(problemsOf)).toEqual([]);
    expect(llm.requests.at(-1)?.text).toContain("note 4");
  },
  600_000,
); // as above

test("a request that is refused as too long is sent once more, with a summary of what was before", async () => {
  await using llm = await startLlmServer([
    answer(words(200)),
    answer(words(200)),
    tooLong,
    answer("they said so"),
    answer("better"),
  ]);
  await using app = await startApp({ llm: llm.url, config: config(llm.url, 100_000) });
  const session = app.sessions.open("c");
  for (const text of ["one", "two"]) await collect(session.prompt({ requestId: text, text }));
  const events = await collect(session.prompt({ requestId: "three", text: "three" }));
  expect(shape(events)).toEqual(["user_message", "compaction", "assistant_message", "turn_end"]);
  expect(summarizeTurn(events.filter(isStored))).toMatchObject({ usage: { inputTokens: 20 }, attempts: 2 }); // both requests
  expect(contents(llm.requests[4] as LlmRequest).at(-1)).toMatch(/they said so.*three/);
  expect(llm.requests[4]?.text).not.toContain("so it was said");
});

test("in the middle of a turn too: its own calls and results stay", async () => {
  await using llm = await startLlmServer([
    answer(words(200)),
    toolCalls([{ name: "s__echo", arguments: { n: 1 } }]),
    tooLong,
    answer("they said so"),
    answer("done"),
  ]);
  await using app = await startApp({
    llm: llm.url,
    mcpServers: { s: fixtureServer() },
    config: config(llm.url, 100_000),
  });
  const session = app.sessions.open("c");
  await collect(session.prompt({ requestId: "one", text: "one" }));
  const events = await collect(session.prompt({ requestId: "two", text: "two" }));
  expect(shape(events).slice(-3)).toEqual(["compaction", "assistant_message", "turn_end"]);
  expect(shape(events).filter((type) => type === "tool_sent")).toHaveLength(1);
  expect(llm.requests[4]?.body.messages?.map(({ role }) => role)).toEqual(["system", "user", "assistant", "tool"]);
});

test("a turn whose own results fill the window twice has its answer; its oldest results are shortened, and what was said before stays", async () => {
  const window = 8_000;
  let calls = 0;
  const script = (request: LlmRequest): Step => {
    const usage = usageOf(request);
    if (usage.prompt_tokens > window) return tooLong;
    return calls === 12 || !request.text.includes("read all files")
      ? answer("done", { usage })
      : toolCalls([{ name: "s__big", arguments: { bytes: 3_000 + ++calls } }], { usage });
  };
  await using llm = await startLlmServer((request) => script(request));
  await using app = await startApp({
    llm: llm.url,
    mcpServers: { s: fixtureServer() },
    config: config(llm.url, window, { max_tool_hops: 30 }),
  });
  const session = app.sessions.open("c");
  await collect(session.prompt({ requestId: "r0", text: "always answer in French" }));
  const events = await collect(session.prompt({ requestId: "r1", text: "read all files" }));
  expect(shape(events)).not.toContain("trim");
  expect(summarizeTurn(events.filter(isStored))).toMatchObject({ stopReason: "end_turn", text: "done" });
  expect(llm.requests.flatMap(problemsOf)).toEqual([]);
  const last = llm.requests.at(-1);
  expect(last?.text).toContain("read all files");
  expect(last?.text).toContain("always answer in French");
  expect(last?.text).toContain("left out parts of this result");
  expect(llm.requests.filter((request) => usageOf(request).prompt_tokens > window).length).toBeLessThan(8);
});

test("when it is refused again, or there is nothing to leave out, the turn fails with the reason", async () => {
  await using llm = await startLlmServer([tooLong, answer(words(200)), tooLong, answer("short"), tooLong]);
  await using app = await startApp({ llm: llm.url, config: config(llm.url, 100_000) });
  const session = app.sessions.open("c");
  const ask = (text: string) => collect(session.prompt({ requestId: text, text }));
  expect((await ask("one")).at(-1)).toMatchObject({ type: "turn_error", error: { kind: "context_length" } });
  await ask("two");
  expect((await ask("three")).at(-1)).toMatchObject({ type: "turn_error", error: { kind: "context_length" } });
});

test("without a summary, because the model gives none or none is wanted, the oldest turns are left out", async () => {
  for (const compaction of ["auto", "off"]) {
    const script = (request: LlmRequest): Step => (isSummary(request) ? failure(400) : answer(words(40)));
    await using llm = await startLlmServer((request) => script(request));
    await using app = await startApp({ llm: llm.url, config: config(llm.url, 1_500, { compaction }) });
    const session = app.sessions.open("c");
    let trims = 0;
    for (let turn = 1; turn <= 10; turn++) {
      const events = await collect(session.prompt({ requestId: `r${turn}`, text: `question ${turn}` }));
      const isTrimmed = shape(events).includes("trim");
      expect(shape(events)).toEqual(["user_message", ...(isTrimmed ? ["trim"] : []), "assistant_message", "turn_end"]);
      trims += isTrimmed ? 1 : 0;
    }
    expect(trims).toBeGreaterThan(0);
    expect(trims).toBeLessThan(5);
    expect(llm.requests.some(isSummary)).toBe(compaction === "auto");
    const last = llm.requests.at(-1);
    expect(last?.text).not.toContain('question 1"');
    expect(last?.text).toContain("question 10");
    expect(llm.requests.every(({ text }) => text.length < 1_500 * 4 || text.includes("You condense"))).toBe(true);
  }
});

test("a summary that a filter refused is dropped: the turns stay in the log for the next one", async () => {
  const refused = answer("I cannot help with that.", { finishReason: "content_filter" });
  await using llm = await startLlmServer([answer(words(100)), refused, answer("a")]);
  await using app = await startApp({ llm: llm.url, config: config(llm.url, 100_000) });
  const session = app.sessions.open("c");
  await collect(session.prompt({ requestId: "r1", text: "one" }));
  session.compactNext();
  const events = await collect(session.prompt({ requestId: "r2", text: "two" }));
  expect(shape(events)).not.toContain("compaction");
  expect(llm.requests.at(-1)?.text).toContain("so it was said");
  expect(llm.requests.at(-1)?.text).not.toContain("I cannot help");
});

test("/compact: the next turn begins with a summary, and the one after it is the same to its last byte", async () => {
  await using llm = await startLlmServer([answer(words(100)), answer("what was said"), answer("a"), answer("b")]);
  await using app = await startApp({ llm: llm.url, config: config(llm.url, 100_000) });
  const session = app.sessions.open("c");
  await collect(session.prompt({ requestId: "r1", text: "one" }));
  session.compactNext();
  const events = await collect(session.prompt({ requestId: "r2", text: "two" }));
  expect(events.filter(isStored)[1]).toMatchObject({
    type: "compaction",
    summary: "what was said",
    usage: { inputTokens: 10 },
  });
  await collect(session.prompt({ requestId: "r3", text: "three" }));
  const [, , second, third] = llm.requests;
  expect(third && messages(third).startsWith(second ? messages(second) : "-")).toBe(true);
});
