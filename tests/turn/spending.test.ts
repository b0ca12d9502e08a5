import { describe, expect, test } from "@jest/globals";
import type { Message } from "../../src/core/messages.js";
import { estimateInput } from "../../src/turn/billed-tokens.js";
import { billOf, billOfFailed } from "../../src/turn/spending.js";

const data = "x".repeat(400_000);

test("the data of a picture counts as a picture, and a text under the key `data` in a tool's schema as text", () => {
  const picture: Message = { role: "user", content: [{ type: "image", data, mimeType: "image/png" }] };
  const tool = { name: "t", description: "", inputSchema: { type: "object", examples: [{ data }] } };
  expect(estimateInput({ messages: [picture], tools: [] })).toBeLessThan(2_000);
  expect(estimateInput({ messages: [], tools: [tool] })).toBeGreaterThan(100_000);
});

test("a picture that a user gives by its address counts as a picture", () => {
  const link = { type: "resource_link" as const, uri: "https://pictures.example/cat.png", mimeType: "image/*" };
  const input = (message: Message) => estimateInput({ messages: [message], tools: [] });
  expect(input({ role: "user", content: [link] })).toBeGreaterThan(1_000);
  expect(input({ role: "tool", toolCallId: "call_1", content: [link], isError: false })).toBeLessThan(100);
});

describe("the bill of a request", () => {
  const request = { messages: [], tools: [] };
  const message = { role: "assistant" as const, content: "", toolCalls: [] };
  const usage = { inputTokens: 10, outputTokens: 5 };
  const lost = [{ provider: "a", model: "dear", usage: { inputTokens: 10, outputTokens: 1 } }];
  const price = { input: 1_000_000, output: 1_000_000 };
  const priced = (...models: string[]) => ({
    priceOf: (_: string, model: string) => (models.includes(model) ? price : undefined),
  });
  const cheap = { provider: "b", model: "cheap", message, usage };

  test("has each answer with its own model and cost, and the sum of all", () => {
    expect(billOf(request, { ...cheap, lost }, priced("dear", "cheap"))).toEqual({
      spent: { tokens: 26, usd: 26, estimated: true },
      billed: [
        { provider: "a", model: "dear", usage: lost[0]?.usage, spent: { tokens: 11, usd: 11, estimated: true } },
        { provider: "b", model: "cheap", usage, spent: { tokens: 15, usd: 15 } },
      ],
    });
  });

  test("has no sum of dollars if the price of one of the answers is unknown", () => {
    const { spent, billed } = billOf(request, { ...cheap, lost }, priced("dear"));
    expect(spent).toEqual({ tokens: 26, estimated: true });
    expect(billed?.map((each) => each.spent?.usd)).toEqual([11, undefined]);
  });

  test("has all answers that broke off, if the request ended without a complete one", () => {
    const { billed } = billOfFailed(request, { ...cheap, lost: [...lost, ...lost] }, priced("dear"));
    expect(billed?.map(({ model, spent }) => [model, spent?.usd])).toEqual([
      ["dear", 11],
      ["dear", 11],
    ]);
  });
});
