/** The provider's token counts, as each front door, the export and the telemetry report them. */
import { expect, test } from "@jest/globals";
import type { AssistantMessageEvent, CompactionEvent, StoredEvent } from "../../src/core/events.js";
import { UpdateEncoder } from "../../src/doors/acp/session-updates.js";
import { anthropicUsage } from "../../src/doors/http/anthropic/anthropic-blocks.js";
import { chatUsage, responseUsage, turnUsage } from "../../src/doors/http/turns/turn-usage.js";
import { historyChunks, wireUsage } from "../../src/doors/protocol/chunks.js";
import { usageNote } from "../../src/doors/shared/turn-lines.js";
import { accountText, conversationAccount } from "../../src/session/conversations/conversation-account.js";
import { summarizeTurn } from "../../src/session/shared/summary.js";
import { attributes } from "../../src/telemetry/metric-names.js";
import { spanChange } from "../../src/telemetry/span-changes.js";
import { collect, startApp } from "../support/app.js";
import { answer, startLlmServer } from "../support/llm-server.js";

const counts = { inputTokens: 100, outputTokens: 20, reasoningTokens: 5, cachedTokens: 60, cacheWriteTokens: 30 };
const all = { ...counts, cacheWrite1hTokens: 10 };
const few = { inputTokens: 100, outputTokens: 20 };
const facts = { turnId: "t", provider: "p", model: "m", attempts: 1, usage: all, spent: { tokens: 120, usd: 0.5 } };
const answered: AssistantMessageEvent = {
  ...facts,
  type: "assistant_message",
  message: { role: "assistant", content: "hi", toolCalls: [] },
  finishReason: "stop",
};
const compacted: CompactionEvent = { ...facts, type: "compaction", upToSeq: 1, summary: "short" };
const events: StoredEvent[] = [compacted, answered].map((event, index) => ({ ...event, seq: index + 1, at: 0 }));

test("the message protocol has every count that the provider gave, and no others", () => {
  expect(wireUsage(all, 0.5)).toEqual({
    input_tokens: 100,
    output_tokens: 20,
    reasoning_tokens: 5,
    cached_tokens: 60,
    cache_write_tokens: 30,
    cache_write_1h_tokens: 10,
    cost_usd: 0.5,
  });
  expect(JSON.parse(JSON.stringify(wireUsage(few)))).toEqual({ input_tokens: 100, output_tokens: 20 });
});

test("a compaction has its cost beside its tokens", () => {
  const [told] = events.flatMap(historyChunks);
  expect(told?.chunk.metadata?.usage).toEqual(wireUsage(all, 0.5));
});

test("OpenAI's APIs have the cache among the details of the input", () => {
  const details = { cached_tokens: 60, cache_write_tokens: 30 };
  expect(chatUsage(all)).toMatchObject({ prompt_tokens: 100, prompt_tokens_details: details });
  expect(chatUsage(few)).not.toHaveProperty("prompt_tokens_details");
  expect(responseUsage(all)).toMatchObject({ input_tokens: 100, input_tokens_details: details });
  expect(responseUsage(few)).toMatchObject({ input_tokens: 100, input_tokens_details: { cached_tokens: 0 } });
});

test("Anthropic's API has the cached tokens beside the input", () => {
  expect(anthropicUsage(all)).toEqual({
    input_tokens: 10,
    cache_creation_input_tokens: 30,
    cache_read_input_tokens: 60,
    cache_creation: { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 10 },
    output_tokens: 20,
  });
  expect(anthropicUsage({ ...few, cachedTokens: 90, cacheWriteTokens: 30 })).toMatchObject({ input_tokens: 0 });
});

test("an editor gets the counts beside how full the context is, and the cost of all requests", () => {
  const turn = { turnId: "t", tool: () => undefined, contextWindow: 1000, account: { usd: 0 }, showsPrompt: false };
  const encoder = new UpdateEncoder(turn);
  expect(events.flatMap((event) => encoder.encode(event)).at(-1)).toEqual({
    sessionUpdate: "usage_update",
    used: 120,
    size: 1000,
    cost: { amount: 1, currency: "USD" },
    _meta: { "mcp-platform/usage": wireUsage(all, 0.5) },
  });
});

test("an answer that came after another one has the cost of both, each at its own model", () => {
  const earlier = { provider: "q", model: "dear", usage: few, spent: { tokens: 120, usd: 0.75 } };
  const last = { provider: "p", model: "m", usage: all, spent: { tokens: 120, usd: 0.25 } };
  const both = { ...answered, spent: { tokens: 240, usd: 1 }, billed: [earlier, last], seq: 1, at: 0 };
  const sum = { inputTokens: 200, outputTokens: 40, reasoningTokens: 5, cachedTokens: 60 };
  expect(summarizeTurn([both])).toMatchObject({ usage: sum, costUsd: 1 });
  expect(conversationAccount([both])).toMatchObject({ ...sum, requests: 2, usd: 1, contextTokens: 120 });
  expect(turnUsage([both], chatUsage)).toMatchObject({ prompt_tokens: 100, turn: { prompt_tokens: 200 } });
  const wire = { input_tokens: 200, output_tokens: 40, cached_tokens: 60, cost_usd: 1 };
  expect(historyChunks(both).at(-1)?.chunk.data).toMatchObject(wire);
  const turn = { turnId: "t", tool: () => undefined, contextWindow: 1000, account: { usd: 0 }, showsPrompt: false };
  expect(new UpdateEncoder(turn).encode(both).at(-1)).toMatchObject({
    used: 120,
    _meta: { "mcp-platform/usage": wire },
  });
});

test("a person reads how many tokens came from the cache and went into it", () => {
  const cached = "200 tokens in (120 from the cache, 60 written to it), 40 out";
  expect(accountText(conversationAccount(events))).toBe(`2 requests: ${cached}, $1.0000`);
  expect(usageNote(summarizeTurn(events))).toBe(`${cached}, $1.0000`);
  const plain = events.map((event) => ({ ...event, usage: few })) as StoredEvent[];
  expect(usageNote(summarizeTurn(plain))).toBe("200 tokens in, 40 out, $1.0000");
});

test("spans have the counts under the names of the conventions", () => {
  const trace = { traceId: "1".repeat(32), spanId: "2".repeat(16), isSampled: true };
  const change = spanChange({ type: "turn_ended", trace, durationMs: 1, end: "end_turn", usage: all }, undefined);
  expect(change).toMatchObject({
    attributes: { [attributes.cachedTokens]: 60, "gen_ai.usage.cache_creation.input_tokens": 30 },
  });
});

test("the cost of a turn includes reads and writes of the cache at their prices", async () => {
  const usage = {
    prompt_tokens: 100_000,
    completion_tokens: 1_000,
    prompt_tokens_details: { cached_tokens: 60_000, cache_write_tokens: 30_000 },
  };
  await using llm = await startLlmServer([answer("hi", { usage })]);
  const providers = { test: { base_url: llm.url, model: "m1", api_key: "sk-test-0123456789" } };
  const prices = { m1: { input: 4, output: 20, cached_input: 0.2, cache_write: 5 } };
  await using app = await startApp({ llm: llm.url, config: { llm: { active: "test", providers, prices } } });
  const session = app.sessions.open("c");
  await collect(session.prompt({ requestId: "r", text: "hello" }));
  const { costUsd, usage: counted } = summarizeTurn(await session.history());
  expect(counted).toMatchObject({ inputTokens: 100_000, cachedTokens: 60_000, cacheWriteTokens: 30_000 });
  expect(costUsd).toBeCloseTo(0.04 + 0.012 + 0.15 + 0.02, 10);
});
