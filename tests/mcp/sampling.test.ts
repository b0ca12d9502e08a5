import { expect, test } from "@jest/globals";
import type { Completion } from "../../src/core/chat.js";
import { answerSampling, SamplingBudget } from "../../src/mcp/sampling.js";

const parts = (outputTokens: number, budget = new SamplingBudget()) => ({
  budget,
  ask: async () => true,
  signal: new AbortController().signal,
  sample: async (): Promise<Completion> => ({
    message: { role: "assistant", content: "x", toolCalls: [] },
    finishReason: "stop",
    provider: "p",
    model: "m",
    usage: { inputTokens: 1, outputTokens },
    attempts: 1,
  }),
});
const params = { messages: [{ role: "user", content: { type: "text", text: "?" } }], maxTokens: 1_000_000 };

test("one call's sampling has a bound in tokens", async () => {
  const bounded = parts(60_000);
  await answerSampling("s", params, bounded);
  await answerSampling("s", params, bounded);
  await expect(answerSampling("s", params, bounded)).rejects.toMatchObject({ code: -1 });
});

test("one call's sampling has a bound in requests", async () => {
  const bounded = parts(1);
  for (let times = 0; times < 20; times++) await answerSampling("s", params, bounded);
  await expect(answerSampling("s", params, bounded)).rejects.toThrow("this call's sampling budget is used up");
});

test("a tool that no model could call is refused by name", async () => {
  const tools = [{ name: "a.b", inputSchema: {} }];
  await expect(answerSampling("s", { ...params, tools }, parts(1))).rejects.toThrow('a tool named "a.b"');
});

test("a request that a tool must be called is refused, and nobody is asked", async () => {
  const tools = [{ name: "a", inputSchema: {} }];
  const asked: unknown[] = [];
  const ask = async (question: unknown) => asked.push(question) > 0;
  const required = { ...params, tools, toolChoice: { mode: "required" } };
  await expect(answerSampling("s", required, { ...parts(1), ask })).rejects.toMatchObject({ code: -32602 });
  expect(asked).toEqual([]);
  await expect(answerSampling("s", { ...required, toolChoice: { mode: "auto" } }, parts(1))).resolves.toBeDefined();
});
