import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import { Limiter, type LimiterBounds, QueueTimeout, type Slot } from "../../../src/llm/limits/limiter.js";
import { runs } from "../../support/runs.js";

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
});
afterEach(() => {
  jest.useRealTimers();
});

const never = new AbortController().signal;

/** Makes a limiter and records in which order requests are let in. */
function start(bounds: LimiterBounds, queueTimeoutMs = 10_000) {
  const limiter = new Limiter(bounds, Date.now);
  const admitted: string[] = [];
  const slots = new Map<string, Slot>();
  const failed = new Map<string, unknown>();
  const enter = (name: string, { tokens = 0, signal = never }: { tokens?: number; signal?: AbortSignal } = {}) =>
    limiter.acquire(tokens, signal, queueTimeoutMs).then(
      (slot) => {
        admitted.push(name);
        slots.set(name, slot);
      },
      (error: unknown) => void failed.set(name, error),
    );
  const leave = (name: string) => slots.get(name)?.[Symbol.dispose]();
  return { limiter, admitted, slots, failed, enter, leave };
}

const settle = () => jest.advanceTimersByTimeAsync(0);

describe("slots", () => {
  test("are given first come, first served, and a slot that is left twice is free once", async () => {
    const { limiter, admitted, enter, leave } = start({ maxConcurrency: 2 });
    for (const name of ["a", "b", "c", "d"]) void enter(name);
    await settle();
    expect([admitted, limiter.queued]).toEqual([["a", "b"], 2]);
    leave("a");
    leave("a");
    await settle();
    expect([admitted, limiter.active, limiter.queued]).toEqual([["a", "b", "c"], 2, 1]);
  });

  test("an aborted wait ends at once with the signal's reason, and leaves no entry and no timer behind", async () => {
    const { limiter, admitted, failed, enter, leave } = start({ maxConcurrency: 1 });
    const controller = new AbortController();
    void enter("a");
    void enter("b", { signal: controller.signal });
    void enter("c");
    await settle();
    controller.abort("enough");
    await settle();
    expect([failed.get("b"), limiter.queued]).toEqual(["enough", 1]);
    leave("a");
    await settle();
    leave("c");
    expect([admitted, limiter.active, jest.getTimerCount()]).toEqual([["a", "c"], 0, 0]);
  });

  test("a request that was cancelled before does not enter the queue", async () => {
    const { limiter, failed, enter } = start({ maxConcurrency: 1 });
    await enter("a", { signal: AbortSignal.abort("before") });
    expect([failed.get("a"), limiter.active, limiter.queued]).toEqual(["before", 0, 0]);
  });

  test("a wait beyond the queue's time limit fails, and says what it waited for", async () => {
    const { limiter, failed, enter } = start({ maxConcurrency: 1 }, 100);
    void enter("a");
    void enter("b");
    await jest.advanceTimersByTimeAsync(99);
    expect(failed.size).toBe(0);
    await jest.advanceTimersByTimeAsync(1);
    expect(failed.get("b")).toEqual(new QueueTimeout("concurrency"));
    expect([limiter.queued, jest.getTimerCount()]).toEqual([0, 0]);
  });

  test("are given without a wait and without passing others, or not at all, if the caller cannot wait", async () => {
    const { limiter, enter } = start({ maxConcurrency: 2 });
    const slot = limiter.tryAcquire(0);
    void enter("a");
    void enter("b");
    await settle();
    expect(limiter.tryAcquire(0)).toBeUndefined();
    slot?.[Symbol.dispose]();
    await settle();
    expect([limiter.active, limiter.queued]).toEqual([2, 0]);
  });
});

describe("rates", () => {
  test("rpm: at most this many in any sixty seconds, repetitions from their slot included", async () => {
    const { admitted, slots, enter, leave } = start({ maxConcurrency: 10, rpm: 2 }, 600_000);
    void enter("a");
    await jest.advanceTimersByTimeAsync(20_000);
    void enter("b");
    await settle();
    void enter("c");
    let repeated = 0;
    void slots
      .get("a")
      ?.again(never)
      .then(() => {
        repeated = Date.now();
      });
    await jest.advanceTimersByTimeAsync(40_000);
    expect([admitted, repeated]).toEqual([["a", "b"], 60_000]);
    await jest.advanceTimersByTimeAsync(20_000);
    expect([admitted, Date.now()]).toEqual([["a", "b", "c"], 80_000]);
    leave("a");
  });

  test("rpm: the error of a wait that is too long names the limit", async () => {
    const { failed, enter } = start({ maxConcurrency: 10, rpm: 1 }, 100);
    void enter("a");
    void enter("b");
    await jest.advanceTimersByTimeAsync(100);
    expect(failed.get("b")).toEqual(new QueueTimeout("rpm"));
  });

  test("tpm: the estimate counts until the true usage is known", async () => {
    const { admitted, slots, failed, enter } = start({ maxConcurrency: 10, tpm: 1000 });
    void enter("a", { tokens: 600 });
    void enter("b", { tokens: 600 });
    await settle();
    expect(admitted).toEqual(["a"]);
    slots.get("a")?.correct(300);
    await settle();
    expect(admitted).toEqual(["a", "b"]);
    slots.get("b")?.correct(2000);
    void enter("c", { tokens: 1 });
    await jest.advanceTimersByTimeAsync(10_000);
    expect(failed.get("c")).toEqual(new QueueTimeout("tpm"));
  });

  test("tpm: a request beyond the whole limit is sent when nothing else counts", async () => {
    const { admitted, enter } = start({ maxConcurrency: 10, tpm: 1000 }, 600_000);
    void enter("a", { tokens: 10 });
    void enter("b", { tokens: 5000 });
    await jest.advanceTimersByTimeAsync(59_999);
    expect(admitted).toEqual(["a"]);
    await jest.advanceTimersByTimeAsync(1);
    expect(admitted).toEqual(["a", "b"]);
  });
});

describe("overload", () => {
  const limits = (limiter: Limiter, act: () => void, times: number) =>
    Array.from({ length: times }, () => {
      act();
      return limiter.limit;
    });

  test("leaves seven slots of ten, once for all requests that met it, and never fewer than one", () => {
    const { limiter } = start({ maxConcurrency: 100 });
    expect(limits(limiter, () => limiter.shrink(0), 3)).toEqual([70, 70, 70]);
    const later = () => {
      jest.advanceTimersByTime(2000);
      limiter.shrink(Date.now());
    };
    expect(limits(limiter, later, 12)).toEqual([49, 34, 23, 16, 11, 7, 4, 2, 1, 1, 1, 1]);
  });

  test("a slot comes back for as many successes as there are slots, up to the limit", () => {
    const { limiter } = start({ maxConcurrency: 4 });
    limiter.shrink(0);
    expect(limiter.limit).toBe(2);
    expect(limits(limiter, () => limiter.grow(), 7)).toEqual([2, 3, 3, 3, 4, 4, 4]);
  });

  test("requests that were admitted continue; no other is admitted until enough have ended", async () => {
    const { limiter, admitted, enter, leave } = start({ maxConcurrency: 3 }, 100);
    for (const name of ["a", "b", "c", "d"]) void enter(name);
    await settle();
    limiter.shrink(0);
    leave("a");
    await settle();
    expect(admitted).toEqual(["a", "b", "c"]);
    leave("b");
    await settle();
    expect(admitted).toEqual(["a", "b", "c", "d"]);
  });

  test("the error of a wait that is too long names the lowered number of slots", async () => {
    const { limiter, failed, enter } = start({ maxConcurrency: 2 }, 100);
    void enter("a");
    limiter.shrink(0);
    void enter("b");
    await jest.advanceTimersByTimeAsync(100);
    expect(failed.get("b")).toEqual(new QueueTimeout("overload"));
  });

  test("nothing is sent during a pause that the provider asked for, and the pause does not count as time in the queue", async () => {
    const { limiter, admitted, slots, failed, enter } = start({ maxConcurrency: 2 }, 100);
    void enter("a");
    await settle();
    limiter.pause(5000);
    limiter.pause(3000);
    void enter("b");
    void enter("c");
    let repeated = 0;
    void slots
      .get("a")
      ?.again(never)
      .then(() => {
        repeated = Date.now();
      });
    await jest.advanceTimersByTimeAsync(4999);
    expect([admitted, repeated, failed.size]).toEqual([["a"], 0, 0]);
    await jest.advanceTimersByTimeAsync(1);
    expect([admitted, repeated]).toEqual([["a", "b"], 5000]);
    await jest.advanceTimersByTimeAsync(100);
    expect(failed.get("c")).toEqual(new QueueTimeout("concurrency"));
  });
});

type Act =
  | { act: "enter"; tokens: number }
  | { act: "leave" | "abort" | "again"; which: number }
  | { act: "shrink" | "grow" | "pause" }
  | { act: "advance"; ms: number };

const acts: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ act: fc.constant("enter" as const), tokens: fc.integer({ min: 0, max: 150 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constantFrom("leave" as const, "abort" as const, "again" as const),
      which: fc.nat(20),
    }),
  },
  { weight: 2, arbitrary: fc.record({ act: fc.constantFrom("shrink" as const, "grow" as const, "pause" as const) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant("advance" as const), ms: fc.nat(70_000) }) },
);

test("any sequence of calls is served in order, within the limits, and leaves nothing behind", async () => {
  const bounds = fc.record({
    maxConcurrency: fc.integer({ min: 1, max: 6 }),
    rpm: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
    tpm: fc.option(fc.integer({ min: 50, max: 300 }), { nil: undefined }),
  });
  const check = async (given: LimiterBounds, steps: Act[]) => {
    jest.setSystemTime(0);
    const limiter = new Limiter(given, Date.now);
    const callers: { controller: AbortController; slot?: Slot; over: boolean; repeating: boolean }[] = [];
    const admitted: number[] = [];
    const sentAt: number[] = [];
    const enter = (tokens: number) => {
      const caller: (typeof callers)[number] = { controller: new AbortController(), over: false, repeating: false };
      const number = callers.push(caller);
      limiter.acquire(tokens, caller.controller.signal, 90_000).then(
        (slot) => {
          caller.slot = slot;
          admitted.push(number);
          sentAt.push(Date.now());
        },
        () => {
          caller.over = true;
        },
      );
    };
    const again = async (caller: (typeof callers)[number]) => {
      if (!caller.slot || caller.over || caller.repeating) return;
      caller.repeating = true;
      await caller.slot.again(caller.controller.signal).then(
        () => sentAt.push(Date.now()),
        () => {},
      );
      caller.repeating = false;
    };
    const leave = (caller: (typeof callers)[number]) => {
      if (!caller.slot) return;
      caller.controller.abort();
      caller.over = true;
      caller.slot[Symbol.dispose]();
    };
    for (const step of steps) {
      const caller = "which" in step ? callers[step.which] : undefined;
      if (step.act === "enter") enter(step.tokens);
      else if (step.act === "advance") await jest.advanceTimersByTimeAsync(step.ms);
      else if (step.act === "shrink") limiter.shrink(Date.now());
      else if (step.act === "grow") limiter.grow();
      else if (step.act === "pause") limiter.pause(Date.now() + 3000);
      else if (caller && step.act === "again") void again(caller);
      else if (caller && step.act === "leave") leave(caller);
      else if (caller && step.act === "abort" && !caller.slot) caller.controller.abort();
      await settle();
      expect(limiter.active).toBe(callers.filter(({ slot, over }) => slot && !over).length);
      expect(limiter.active).toBeLessThanOrEqual(given.maxConcurrency);
    }
    for (const caller of callers) {
      if (caller.slot) leave(caller);
      else caller.controller.abort();
    }
    await settle();
    for (const caller of callers) if (caller.slot) leave(caller);
    await settle();
    expect([limiter.active, limiter.queued, jest.getTimerCount()]).toEqual([0, 0, 0]);
    expect(admitted).toEqual(admitted.toSorted((a, b) => a - b));
    const { rpm } = given;
    if (rpm)
      for (const [index, at] of sentAt.entries())
        expect((sentAt[index + rpm] ?? Infinity) - at).toBeGreaterThanOrEqual(60_000);
  };
  await fc.assert(fc.asyncProperty(bounds, fc.array(acts, { maxLength: 40 }), check), { numRuns: runs(150) });
});
