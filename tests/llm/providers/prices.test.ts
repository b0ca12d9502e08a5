import { describe, expect, test } from "@jest/globals";
import { presets } from "../../../src/llm/providers/presets.js";
import { costUsd, priceOf } from "../../../src/llm/providers/prices.js";

const none = { providers: {} };
const at = (name: string, baseUrl: string) => ({ providers: { [name]: { baseUrl } } });

describe("the price of a model", () => {
  test("is in the shipped table, also for a dated version of the model", () => {
    expect(priceOf(none, "openai", "gpt-5.4-mini")).toMatchObject({ input: 0.75, output: 4.5, cachedInput: 0.075 });
    expect(priceOf(none, "openai", "gpt-5.4-mini-2026-03-17")).toEqual(priceOf(none, "openai", "gpt-5.4-mini"));
  });

  test("depends on the address of the API, not on the configured name", () => {
    const mine = at("mine", "https://api.openai.com/v1");
    expect(priceOf(mine, "mine", "gpt-5.4-mini")).toEqual(priceOf(none, "openai", "gpt-5.4-mini"));
  });

  test.each([
    ["openai", "no-such-model"],
    ["openai", "constructor"],
    ["nobody", "gpt-5.4-mini"],
    ["openrouter", "auto"],
  ])("of %s/%s is unknown, which is not 0", (provider, model) => {
    expect(priceOf(none, provider, model)).toBeUndefined();
  });

  test.each(["ollama", "lmstudio", "llamacpp", "vllm", "demo"])("of %s is 0 if it is local", (name) => {
    expect(priceOf(none, name, "any")).toEqual({ input: 0, output: 0 });
    expect(priceOf(at(name, "http://192.168.1.7:8000/v1"), name, "any")).toEqual({ input: 0, output: 0 });
    expect(priceOf(at(name, "https://models.example.com/v1"), name, "any")).toBeUndefined();
  });

  test("is known of the model that each preset begins with", () => {
    const models = Object.entries(presets).flatMap(([name, { model }]) => (model ? [{ name, model }] : []));
    expect(models.length).toBeGreaterThan(9);
    expect(models.filter(({ name, model }) => !priceOf(none, name, model))).toEqual([]);
  });

  test("is the configured one, the longest matching name first", () => {
    const prices = { m: { input: 1, output: 2 }, "p/m": { input: 3, output: 4 } };
    expect(priceOf({ ...none, prices }, "p", "m")).toEqual({ input: 3, output: 4 });
    expect(priceOf({ ...none, prices }, "q", "m")).toEqual({ input: 1, output: 2 });
  });
});

/** Prices of the cache in the shipped table, as multiples of the input price. */
const cachePrices: [provider: string, model: string, factors: [read: number, write?: number, writeFor1h?: number]][] = [
  ["openai", "gpt-5.5", [0.1]],
  ["openai", "gpt-5.6-sol", [0.1, 1.25]],
  ["openai", "gpt-6-astra", [0.1, 1.25]],
  ["openai", "gpt-6.1-sol", [0.05, 1.25]],
  ["azure", "gpt-6.1-terra", [0.05, 1.25]],
  ["anthropic", "claude-opus-5", [0.1, 1.25, 2]],
  ["anthropic", "claude-haiku-4-5-20251001", [0.1, 1.25, 2]],
  ["anthropic", "claude-opus-5-5", [0.05, 1.25, 2]],
  ["anthropic", "claude-sonnet-5-5", [0.05, 1.25, 2]],
  ["anthropic", "claude-fable-5-1", [0.025, 1.25, 2]],
  ["openrouter", "anthropic/claude-opus-5.5", [0.05, 1.25, 2]],
  ["gemini", "gemini-3.5-flash", [0.1]],
];

describe("the price of cached tokens", () => {
  test.each(cachePrices)("of %s/%s", (provider, model, [read, write, writeFor1h]) => {
    const price = priceOf(none, provider, model);
    for (const { input, cachedInput, cacheWrite, cacheWrite1h } of [price, ...(price?.tiers ?? [])].flatMap(
      (one) => one ?? [],
    )) {
      const factors = [cachedInput, cacheWrite, cacheWrite1h].map((rate) => rate && Number((rate / input).toFixed(3)));
      expect(factors).toEqual([read, write, writeFor1h]);
    }
    expect(price).toBeDefined();
  });

  test("of a write to Gemini's cache at OpenRouter is the input and five minutes of storage", () => {
    expect(priceOf(none, "openrouter", "google/gemini-2.5-pro")).toMatchObject({ input: 1.25, cacheWrite: 1.625 });
  });
});

describe("the cost of a request", () => {
  test("uses the price of cached input, or the full price if that one is unknown", () => {
    const usage = { inputTokens: 1_000_000, outputTokens: 100_000, cachedTokens: 400_000 };
    expect(costUsd(usage, { input: 1, output: 10, cachedInput: 0.1 })).toBeCloseTo(0.6 + 0.04 + 1, 10);
    expect(costUsd(usage, { input: 1, output: 10 })).toBeCloseTo(2, 10);
  });

  test("uses the price of a write to the cache, also for an hour", () => {
    const counts = { outputTokens: 0, cachedTokens: 500_000, cacheWriteTokens: 300_000 };
    const usage = { inputTokens: 1_000_000, ...counts, cacheWrite1hTokens: 100_000 };
    const price = { input: 1, output: 10, cachedInput: 0.1 };
    expect(costUsd(usage, { ...price, cacheWrite: 1.25, cacheWrite1h: 2 })).toBeCloseTo(0.2 + 0.05 + 0.25 + 0.2, 10);
    expect(costUsd(usage, { ...price, cacheWrite: 1.25 })).toBeCloseTo(0.2 + 0.05 + 0.375, 10);
    expect(costUsd(usage, price)).toBeCloseTo(0.5 + 0.05, 10);
  });

  test("never subtracts more than the input", () => {
    const usage = { inputTokens: 100, outputTokens: 0, cachedTokens: 80, cacheWriteTokens: 50, cacheWrite1hTokens: 90 };
    const price = { input: 1, output: 1, cachedInput: 0, cacheWrite: 2, cacheWrite1h: 3 };
    expect(costUsd(usage, price)).toBeCloseTo((20 * 3) / 1_000_000, 12);
  });

  test("is higher if a model charges more for a long input", () => {
    const tiers = [{ aboveTokens: 200_000, input: 2, output: 20 }];
    const price = { input: 1, output: 10, tiers };
    expect(costUsd({ inputTokens: 200_000, outputTokens: 0 }, price)).toBeCloseTo(0.2, 10);
    expect(costUsd({ inputTokens: 200_001, outputTokens: 0 }, price)).toBeCloseTo(0.400002, 10);
  });
});
