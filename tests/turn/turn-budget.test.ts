import { describe, expect, test } from "@jest/globals";
import type { LimitsConfig } from "../../src/core/config.js";
import { Loops } from "../../src/turn/loops.js";
import { Budget } from "../../src/turn/turn-budget.js";

const nothing = { tokens: 0, usd: 0, unpriced: 0, estimated: 0, calls: 0 };

function budgetWith(
  limits: Partial<LimitsConfig>,
  { conversation = nothing, day = nothing, granted = new Map() } = {},
) {
  const clock = { now: 0 };
  const budget = new Budget({
    limits: { turn: {}, conversation: {}, day: {}, ...limits },
    earlier: { turn: { ...nothing, hops: 0 }, conversation },
    daySpent: async () => day,
    othersNeed: () => nothing,
    needs: () => {},
    granted,
    now: () => clock.now,
  });
  return { budget, clock };
}

describe("a budget", () => {
  test("without limits stops nothing", async () => {
    const { budget } = budgetWith({});
    budget.spend({ tokens: 1e9, usd: 1e9 });
    expect(await budget.reached({ hops: 1, tokens: 1e9, usd: 1e9 })).toBeUndefined();
  });

  test("is reached by what would not fit any more, not only by what is used up", async () => {
    const { budget } = budgetWith({ turn: { tokens: 100 } });
    budget.spend({ tokens: 60 });
    expect(await budget.reached({ tokens: 40 })).toBeUndefined();
    expect(await budget.reached({ tokens: 41 })).toEqual({
      kind: "limit",
      limit: "tokens",
      scope: "turn",
      used: 60,
      allowed: 100,
      needed: 41,
    });
  });

  test("says when its numbers are estimates, and how many requests have no price", async () => {
    const { budget } = budgetWith({ conversation: { usd: 1 } }, { conversation: { ...nothing, usd: 1, unpriced: 2 } });
    budget.spend({ tokens: 60, usd: 0.5, estimated: true });
    expect(await budget.reached({ usd: 0 })).toMatchObject({ used: 1.5, estimated: true, unpriced: 2 });
  });

  test("counts the conversation and the day from the log", async () => {
    const spent = { ...nothing, tokens: 90 };
    const inConversation = budgetWith({ conversation: { tokens: 100 } }, { conversation: spent }).budget;
    expect(await inConversation.reached({ tokens: 20 })).toMatchObject({ scope: "conversation", used: 90 });
    const inDay = budgetWith({ day: { tokens: 100 } }, { day: spent }).budget;
    expect(await inDay.reached({ tokens: 20 })).toMatchObject({ scope: "day", used: 90 });
  });

  test("a yes adds the same amount, as often as the next step takes", async () => {
    const granted = new Map<string, number>();
    const { budget } = budgetWith({ conversation: { tokens: 100 } }, { granted });
    budget.spend({ tokens: 100 });
    const reached = await budget.reached({ tokens: 150 });
    if (reached) budget.grant(reached);
    expect(await budget.reached({ tokens: 150 })).toBeUndefined();
    expect(await budget.left({})).toEqual({ tokens: 200, usd: Number.POSITIVE_INFINITY });
    expect([...granted.values()]).toEqual([200]);
  });

  test("a yes far beyond the limit is computed at once", async () => {
    const { budget } = budgetWith({ conversation: { tokens: 3 } });
    budget.spend({ tokens: 1e9 });
    const reached = await budget.reached({ tokens: 1 });
    if (reached) budget.grant(reached);
    expect(await budget.reached({ tokens: 1 })).toBeUndefined();
    expect((await budget.left({})).tokens).toBeLessThanOrEqual(3);
  });

  test("its time stands still while any question waits", async () => {
    const { budget, clock } = budgetWith({ turn: { timeMs: 1000 } });
    const answers: (() => void)[] = [];
    const question = () => new Promise<void>((resolve) => answers.push(resolve));
    clock.now = 400;
    const waiting = [budget.clock.stopDuring(question), budget.clock.stopDuring(question)];
    clock.now = 60_400;
    answers[0]?.();
    await waiting[0];
    clock.now = 99_400;
    expect(budget.clock.elapsedMs).toBe(400);
    answers[1]?.();
    await waiting[1];
    clock.now = 99_999;
    expect(await budget.reached({ hops: 1 })).toBeUndefined();
    clock.now = 100_000;
    expect(await budget.reached({ hops: 1 })).toMatchObject({ limit: "time", used: 1000, allowed: 1000 });
  });
});

describe("a loop", () => {
  const call = (text: string) => ({ id: "c", name: "s__t", arguments: text });
  const result = (text: string) => ({ content: [{ type: "text" as const, text }], isError: false });

  test("is the same call with the same result, however its arguments are written", () => {
    const loops = new Loops();
    const lengths = ['{"a":1,"b":{"c":2,"d":3}}', '{ "b": {"d":3,"c":2}, "a": 1 }', '{"a":1,"b":{"c":2,"d":3}}'].map(
      (text) => {
        const noted = loops.noted(call(text), result("x"));
        return [noted.content.length, loops.endHop()];
      },
    );
    expect(lengths).toEqual([
      [1, 1],
      [1, 2],
      [2, 3],
    ]);
  });

  test("may consist of two calls in turns", () => {
    const loops = new Loops();
    const lengths = ["a", "b", "a", "b", "a", "b"].map((text) => {
      loops.noted(call(text), result("x"));
      return loops.endHop();
    });
    expect(lengths).toEqual([1, 1, 1, 2, 2, 3]);
  });

  test.each([
    ["another result", [call("{}"), call("{}")], ["x", "y"]],
    ["another call", [call("{}"), call("[]")], ["x", "x"]],
  ])("ends with %s", (_, calls, texts) => {
    const loops = new Loops();
    const [first, second] = calls;
    for (const _time of [1, 2, 3, 4]) {
      if (first) loops.noted(first, result(texts[0] ?? ""));
      loops.endHop();
    }
    if (second) loops.noted(second, result(texts[1] ?? ""));
    expect(loops.endHop()).toBe(1);
    if (first) expect(loops.noted(first, result(texts[0] ?? "")).content).toHaveLength(1);
  });

  test("is not the same call several times in one answer", () => {
    const loops = new Loops();
    for (const _time of [1, 2, 3, 4, 5, 6]) loops.noted(call("{}"), result("x"));
    expect(loops.endHop()).toBe(1);
  });
});
