import { describe, expect, test } from "@jest/globals";
import { costUsd, priceOf } from "../../src/llm/providers/prices.js";

const none = { providers: {} };
const at = (name: string, baseUrl: string) => ({ providers: { [name]: { baseUrl } } });

describe("the price of a model", () => {
  test("is in the shipped table, also for a dated version of it", () => {
    expect(priceOf(none, "openai", "gpt-5.4-mini")).toMatchObject({ input: 0.75, output: 4.5, cachedInput: 0.075 });
    expect(priceOf(none, "openai", "gpt-5.4-mini-2026-03-17")).toEqual(priceOf(none, "openai", "gpt-5.4-mini"));
  });

  test("is that of the API under whatever name it was configured", () => {
    const mine = at("mine", "https://api.openai.com/v1");
    expect(priceOf(mine, "mine", "gpt-5.4-mini")).toEqual(priceOf(none, "openai", "gpt-5.4-mini"));
  });

  test.each([
    ["openai", "no-such-model"],
    ["openai", "constructor"],
    ["nobody", "gpt-5.4-mini"],
    ["openrouter", "auto"],
  ])("of %s/%s is not known, and that is not 0", (provider, model) => {
    expect(priceOf(none, provider, model)).toBeUndefined();
  });

  test.each(["ollama", "lmstudio", "llamacpp", "vllm", "demo"])("%s is free where it is local", (name) => {
    expect(priceOf(none, name, "any")).toEqual({ input: 0, output: 0 });
    expect(priceOf(at(name, "http://192.168.1.7:8000/v1"), name, "any")).toEqual({ input: 0, output: 0 });
    expect(priceOf(at(name, "https://models.example.com/v1"), name, "any")).toBeUndefined();
  });

  test("is what the configuration says, the longer name first", () => {
    const prices = { m: { input: 1, output: 2 }, "p/m": { input: 3, output: 4 } };
    expect(priceOf({ ...none, prices }, "p", "m")).toEqual({ input: 3, output: 4 });
    expect(priceOf({ ...none, prices }, "q", "m")).toEqual({ input: 1, output: 2 });
  });
});

describe("the cost of a request", () => {
  test("takes cached input at its own price, or at the full one where that is not known", () => {
    const usage = { inputTokens: 1_000_000, outputTokens: 100_000, cachedTokens: 400_000 };
    expect(costUsd(usage, { input: 1, output: 10, cachedInput: 0.1 })).toBeCloseTo(0.6 + 0.04 + 1, 10);
    expect(costUsd(usage, { input: 1, output: 10 })).toBeCloseTo(2, 10);
  });

  test("is higher where a model charges more for a long input", () => {
    const tiers = [{ aboveTokens: 200_000, input: 2, output: 20 }];
    const price = { input: 1, output: 10, tiers };
    expect(costUsd({ inputTokens: 200_000, outputTokens: 0 }, price)).toBeCloseTo(0.2, 10);
    expect(costUsd({ inputTokens: 200_001, outputTokens: 0 }, price)).toBeCloseTo(0.400002, 10);
  });
});
