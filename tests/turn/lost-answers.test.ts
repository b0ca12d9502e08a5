/** Cost of an answer whose first attempts broke off: the provider bills these too. */
import { describe, expect, test } from "@jest/globals";
import { quarterMs } from "../../src/log/shared/spent.js";
import { summarizeTurn } from "../../src/session/shared/summary.js";
import { collect, startApp } from "../support/app.js";
import {
  answer,
  chunk,
  cutStream,
  failure,
  json,
  reset,
  type Step,
  startLlmServer,
  stream,
} from "../support/llm-server.js";

const usage = { prompt_tokens: 1000, completion_tokens: 100 };
const whole = answer("hello", { usage });
const begun = chunk({ content: "x".repeat(400) }); // 100 tokens
const prices = { "test/m1": { input: 1000, output: 1000 } };
const spentOnce = { tokens: 1100, usd: 1.1 };

/** Returns the answers in the log, each with its usage. */
async function spentBy(steps: Step[], streamRecovery = "restart") {
  await using llm = await startLlmServer(steps);
  const providers = { test: { base_url: llm.url, model: "m1", api_key: "sk-test-0123456789" } };
  const http = { initial_retry_delay: 0.001, max_retry_delay: 0.01 };
  const config = { llm: { active: "test", stream_recovery: streamRecovery, http, providers, prices } };
  await using app = await startApp({ llm: llm.url, config });
  const events = await collect(app.sessions.open("c").prompt({ requestId: "r", text: "go" }));
  return events.flatMap((event) => (event.type === "assistant_message" ? [event] : []));
}

describe("a whole answer", () => {
  test.each<[string, Step[]]>([
    ["was the first one", [whole]],
    ["came after refusals, which cost nothing", [failure(429), failure(503), whole]],
    ["came after a request without any answer, of which nobody can know", [reset, whole]],
    ["came after one that broke off before its first word", [stream([chunk({ role: "assistant" }), cutStream]), whole]],
  ])("counts as reported if it %s", async (_, steps) => {
    const answers = await spentBy(steps);
    expect(answers.map(({ spent }) => spent)).toEqual([spentOnce]);
  });

  test("counts what was lost before it: the same input, and the words that had come", async () => {
    const [message] = await spentBy([stream([begun, cutStream]), stream([begun, cutStream]), whole]);
    expect(message).toMatchObject({ attempts: 3, usage: { inputTokens: 1000, outputTokens: 100 } });
    expect(message?.spent).toEqual({ tokens: 3 * 1100, usd: expect.closeTo(3.3, 6), estimated: true });
  });

  test("counts what the provider had counted of it by then", async () => {
    const counted = { choices: [], usage: { prompt_tokens: 900, completion_tokens: 40, prompt_tokens_details: {} } };
    const [message] = await spentBy([stream([chunk({ content: "x" }), counted, cutStream]), whole]);
    expect(message?.spent?.tokens).toBe(940 + 1100);
  });
});

test("an answer that was shown and broke off counts each attempt that had begun", async () => {
  const [message] = await spentBy([stream([begun, cutStream])], "fail");
  expect(message).toMatchObject({ interrupted: true, provider: "test", model: "m1" });
  const once = message?.spent?.tokens ?? 0;
  expect(once).toBeGreaterThan(100);
  const cut = Array.from({ length: 4 }, () => stream([begun, cutStream]));
  const [again] = await spentBy(cut);
  expect(again?.spent).toMatchObject({ tokens: 4 * once, estimated: true });
});

test("an answer that broke off before anything of it was shown counts each attempt, and says nothing", async () => {
  const part = { index: 0, id: "c", type: "function", function: { name: "x", arguments: "y".repeat(400) } };
  const answers = await spentBy([1, 2, 3, 4].map(() => stream([chunk({ tool_calls: [part] }), cutStream])));
  expect(answers).toMatchObject([{ interrupted: true, message: { content: "", toolCalls: [] } }]);
  expect(answers[0]?.spent).toMatchObject({ estimated: true });
  expect(answers[0]?.spent?.tokens).toBeGreaterThan(400);
});

test("an unstreamed answer without content costs the usage that it states, if any", async () => {
  await expect(spentBy([json({ choices: [] }), whole])).resolves.toMatchObject([{ spent: spentOnce }]);
});

const always = [{ since: 0, until: 10_000_000 * quarterMs }];

test("each model is billed for its own answer, in the log and in what was used", async () => {
  await using dear = await startLlmServer([stream([begun, cutStream])]);
  await using cheap = await startLlmServer([whole]);
  const key = { api_key: "sk-test-0123456789" };
  const providers = {
    dear: { base_url: dear.url, model: "m1", ...key },
    cheap: { base_url: cheap.url, model: "m2", ...key },
  };
  const llm = {
    active: "dear",
    fallback: ["cheap/m2"],
    stream_recovery: "restart",
    http: { max_retries: 0 },
    providers,
    prices: { "dear/m1": { input: 1000, output: 1000 }, "cheap/m2": { input: 0, output: 0 } },
  };
  await using app = await startApp({ llm: dear.url, config: { llm } });
  const events = await collect(app.sessions.open("c").prompt({ requestId: "r", text: "go" }));
  const [answered] = events.flatMap((event) => (event.type === "assistant_message" ? [event] : []));
  const tokens = (answered?.spent?.tokens ?? 0) - 1100;
  const usd = tokens / 1000;
  expect(tokens).toBeGreaterThan(100);
  expect(answered).toMatchObject({ provider: "cheap", spent: { usd: expect.closeTo(usd, 6), estimated: true } });
  expect(answered?.billed).toEqual([
    { provider: "dear", model: "m1", spent: { tokens, usd: expect.closeTo(usd, 6), estimated: true } },
    { provider: "cheap", model: "m2", usage: answered?.usage, spent: { tokens: 1100, usd: 0 } },
  ]);
  const used = await app.sessions.conversations.usage.models(always);
  const byModel = Object.fromEntries(used.map(({ at: _, provider, model: __, ...counts }) => [provider, counts]));
  expect(byModel).toMatchObject({
    dear: { requests: 1, inputTokens: 0, estimatedTokens: tokens, usd: expect.closeTo(usd, 6) },
    cheap: { requests: 1, inputTokens: 1000, outputTokens: 100, estimatedTokens: 0, usd: 0 },
  });
});

test("what an answer that broke off had read is counted as the answer of the same model has it", async () => {
  const cached = { ...usage, prompt_tokens_details: { cached_tokens: 600 } };
  const [message] = await spentBy([stream([begun, cutStream]), answer("hello", { usage: cached })]);
  const once = { inputTokens: 1000, outputTokens: 100, cachedTokens: 600 };
  expect(message?.billed).toMatchObject([{ usage: once }, { usage: once }]);
});

test.each([1, 2])(
  "%d answers that broke off after their usage was reported have their tokens in what was used",
  async (count) => {
    const counted = { choices: [], usage: { prompt_tokens: 900, completion_tokens: 40 } };
    await using llm = await startLlmServer(
      Array.from({ length: count }, () => stream([chunk({ content: "x" }), counted, cutStream])),
    );
    const providers = { test: { base_url: llm.url, model: "m1", api_key: "sk-test-0123456789" } };
    const http = { max_retries: count - 1, initial_retry_delay: 0.001, max_retry_delay: 0.01 };
    const config = { llm: { active: "test", stream_recovery: "restart", http, providers, prices } };
    await using app = await startApp({ llm: llm.url, config });
    await collect(app.sessions.open("c").prompt({ requestId: "r", text: "go" }));
    const total = { inputTokens: count * 900, outputTokens: count * 40 };
    expect(summarizeTurn(await app.sessions.history("c")).usage).toEqual(total);
    expect(await app.sessions.conversations.usage.models(always)).toMatchObject([
      { requests: count, ...total, estimatedTokens: 0, usd: expect.closeTo(count * 0.94, 6) },
    ]);
  },
);
