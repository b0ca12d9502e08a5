import { expect, test } from "@jest/globals";
import type { QuestionEvent } from "../../src/core/events.js";
import type { Price } from "../../src/llm/providers/prices.js";
import { LimitGate } from "../../src/turn/limit-gate.js";
import type { EventQueue } from "../../src/turn/outlet.js";
import { Budget } from "../../src/turn/turn-budget.js";

const nothing = { tokens: 0, usd: 0, unpriced: 0, estimated: 0, calls: 0 };
const cheap: Price = { input: 1, output: 1 };
const dear: Price = { input: 100, output: 100 };
/** About 1,000 tokens. */
const request = { messages: [{ role: "system" as const, content: "x".repeat(4_000) }], tools: [] };

test.each([
  { value: true, runnable: 2 },
  { value: false, runnable: 0 },
])("an answer of before a crash counts for the calls that were not sent yet: $value", async ({ value, runnable }) => {
  const totals = { ...nothing, calls: 1 };
  const budget = new Budget({
    limits: { turn: { calls: 1 }, conversation: {}, day: {} },
    earlier: { turn: { hops: 1, ...totals }, conversation: totals },
    daySpent: async () => nothing,
    othersNeed: () => nothing,
    needs: () => {},
    granted: new Map(),
    now: () => 0,
  });
  const unasked = () => Promise.reject(new Error("it must not be asked"));
  const out = { store: unasked } as unknown as EventQueue;
  const gate = new LimitGate({
    budget,
    turnId: "t",
    newId: (kind) => kind,
    out,
    answer: unasked,
    prices: { known: [] },
  });
  const question = { kind: "limit", limit: "calls", scope: "turn", used: 0, allowed: 1, needed: 3 } as const;
  const asked = { type: "question", turnId: "t", questionId: "q", question } as const;
  await gate.resume([{ asked, answer: { value } }]);
  await gate.beforeCalls(2);
  expect(gate.runnable(2)).toBe(runnable);
});

/** Makes the gate of a turn that may cost 11 cents. The person refuses to raise the limit. */
function gateAt(prices: readonly Price[]) {
  const budget = new Budget({
    limits: { turn: { usd: 0.11 }, conversation: {}, day: {} },
    earlier: { turn: { hops: 0, ...nothing }, conversation: nothing },
    daySpent: async () => nothing,
    othersNeed: () => nothing,
    needs: () => {},
    granted: new Map(),
    now: () => 0,
  });
  const asked: QuestionEvent[] = [];
  const answer = async (question: QuestionEvent) => asked.push(question) > 1;
  const out = { store: async () => {} } as unknown as EventQueue;
  return {
    gate: new LimitGate({ budget, turnId: "t", newId: (kind) => kind, out, answer, prices: { known: prices } }),
    asked,
  };
}

test.each([
  ["a cheap model alone", [cheap], 0, {}],
  ["a cheap model with a dear fallback", [cheap, dear], 1, { maxTokens: expect.any(Number) }],
  ["models without a price", [], 0, {}],
])("the gate counts what the dearest model that may answer would cost: %s", async (_, prices, questions, last) => {
  const { gate, asked } = gateAt(prices);
  await gate.beforeRequest(request, 1);
  expect(asked).toHaveLength(questions);
  expect(await gate.lastRequest(request)).toEqual(last);
});
