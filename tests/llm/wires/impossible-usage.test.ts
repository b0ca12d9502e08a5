import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { wires } from "../../support/every-wire.js";
import { json, type LlmServer, startLlmServer } from "../../support/llm-server.js";
import { clientOf } from "../client-of.js";

/** A provider that reports counts which no request can have. They are not believed, so that limits and sums of usage stay right. */

type Counts = Record<"input" | "output" | "cached" | "reasoning", unknown>;

/** Whole answers of each wire that say "hi". */
const bodies = {
  responses: ({ input, output, cached, reasoning }: Counts) => ({
    id: "resp_1",
    object: "response",
    status: "completed",
    output: [{ type: "message", role: "assistant", content: [{ type: "output_text", text: "hi" }] }],
    usage: {
      input_tokens: input,
      input_tokens_details: { cached_tokens: cached },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: reasoning },
    },
  }),
  messages: ({ input, output, cached, reasoning }: Counts) => ({
    id: "msg_1",
    type: "message",
    role: "assistant",
    content: [{ type: "text", text: "hi" }],
    stop_reason: "end_turn",
    usage: {
      input_tokens: input,
      cache_read_input_tokens: cached,
      output_tokens: output,
      output_tokens_details: { thinking_tokens: reasoning },
    },
  }),
  gemini: ({ input, output, cached, reasoning }: Counts) => ({
    candidates: [{ content: { role: "model", parts: [{ text: "hi" }] }, finishReason: "STOP" }],
    usageMetadata: {
      promptTokenCount: input,
      candidatesTokenCount: output,
      cachedContentTokenCount: cached,
      thoughtsTokenCount: reasoning,
    },
  }),
  chat: ({ input, output, cached, reasoning }: Counts) => ({
    choices: [{ index: 0, message: { role: "assistant", content: "hi" }, finish_reason: "stop" }],
    usage: {
      prompt_tokens: input,
      prompt_tokens_details: { cached_tokens: cached },
      completion_tokens: output,
      completion_tokens_details: { reasoning_tokens: reasoning },
    },
  }),
};
const possible: Counts = { input: 50, output: 7, cached: 3, reasoning: 2 };

let body: object;
let server: LlmServer;
beforeAll(async () => {
  server = await startLlmServer(() => json(body));
});
afterAll(async () => server[Symbol.asyncDispose]());

describe.each(wires)("over $name", ({ wire, model }) => {
  const usageWith = async (counts: Partial<Counts>) => {
    body = bodies[wire]({ ...possible, ...counts });
    await using client = clientOf(server, {}, { wire, model });
    const { message, usage } = await client.ask({ streaming: false });
    expect(message.content).toBe("hi");
    return usage;
  };

  test("possible counts are taken as the usage", async () => {
    expect(await usageWith({})).toMatchObject({ cachedTokens: 3, reasoningTokens: 2 });
    expect(await usageWith({ input: "50", cached: null })).toMatchObject({ inputTokens: 50 });
  });

  test.each(["input", "output", "cached", "reasoning"] as const)(
    "an impossible count of %s is ignored",
    async (key) => {
      for (const count of [-100, 1.5, 2e9, 2 ** 53, 1e308]) {
        expect([count, await usageWith({ [key]: count })]).toEqual([count, undefined]);
      }
    },
  );
});

test("over messages, Moonshot's input is negative, but not more than what was cached", async () => {
  const ask = async (input: number) => {
    body = bodies.messages({ ...possible, input, cached: 100 });
    await using client = clientOf(server, {}, { wire: "messages", model: "kimi-k2" });
    return (await client.ask({ streaming: false })).usage?.inputTokens;
  };
  expect(await ask(-40)).toBe(100);
  expect(await ask(-101)).toBeUndefined();
});
