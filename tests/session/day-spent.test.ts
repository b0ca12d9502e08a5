/** The totals of a day: each read asks the log only for recent requests, and yet the totals are the sum of all requests since midnight. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ChatStore } from "../../src/core/chat-store.js";
import type { ChatEvent, ForkEvent } from "../../src/core/events.js";
import type { Spent } from "../../src/core/messages.js";
import type { Period, SpentTotals } from "../../src/core/usage-store.js";
import { openStore } from "../../src/log/open.js";
import { DaySpent } from "../../src/session/shared/day-spent.js";
import { midnightBefore } from "../../src/session/shared/turn-limits.js";
import { request, turn } from "../log/support.js";
import { runs } from "../support/runs.js";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const none: SpentTotals = { tokens: 0, usd: 0, unpriced: 0, estimated: 0 };

const spent = fc.constantFrom<Spent | undefined>({ tokens: 3, usd: 0.25 }, { tokens: 5, estimated: true }, undefined);
/** An answer, how long it takes, and whether a summary of older turns comes right before it. */
const answer = fc.record({
  ms: fc.constantFrom(0, second, 100 * second),
  summary: fc.option(spent, { nil: null }),
  spent,
});
type Answer = typeof answer extends fc.Arbitrary<infer T> ? T : never;
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("read" as const) }) },
  fc.record({
    do: fc.constant("turn" as const),
    conversation: fc.nat({ max: 2 }),
    answers: fc.array(answer, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ do: fc.constantFrom("copy" as const, "delete" as const), conversation: fc.nat({ max: 4 }) }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(second, 50 * second, 3 * minute, 100 * minute) }),
  fc.record({ do: fc.constant("set" as const), ms: fc.constantFrom(-10 * second, -hour, hour) }),
);

/** A request as the plain sum counts it. `in`: the conversations that have its event. */
interface Paid {
  at: number;
  spent: Spent | undefined;
  in: Set<string>;
  isCounted: boolean;
}

describe.each(["sqlite", "memory"] as const)("on %s", (driver) => {
  let folder: string;
  let store: ChatStore;
  let wall = new Date(2026, 5, 1, 22).getTime();
  let ids = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "day-"));
    const storage = driver === "memory" ? { driver } : { driver, path: join(folder, "log.db") };
    store = await openStore(storage, { now: () => wall, observe: () => {} });
  });
  afterAll(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });

  test("the totals are the plain sum of what was stored, and what was counted once stays", () =>
    fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        wall += 240 * hour; // all runs share one log, and each has a day of its own
        let steady = 0;
        const day = new DaySpent(store, { now: () => wall, steadyNow: () => steady });
        const paid: Paid[] = [];
        const conversations: string[] = [];
        const last = { wall, steady, midnight: 0 };

        const read = async () => {
          const midnight = midnightBefore(wall);
          const isSet = Math.abs(steady - last.steady - (wall - last.wall)) > 15 * second;
          if (isSet) Object.assign(last, { wall, steady });
          if (isSet || midnight !== last.midnight) for (const each of paid) each.isCounted = false;
          last.midnight = midnight;
          const sum = { ...none };
          for (const each of paid) {
            each.isCounted ||= each.in.size > 0;
            if (!each.isCounted || each.at < midnight || !each.spent) continue;
            sum.tokens += each.spent.tokens;
            sum.usd += each.spent.usd ?? 0;
            sum.unpriced += each.spent.usd === undefined ? 1 : 0;
            sum.estimated += each.spent.estimated ? 1 : 0;
          }
          expect(await day.read()).toEqual(sum);
        };

        const runTurn = async (conversationId: string, answers: readonly Answer[]) => {
          await read(); // as a real turn does before its first request
          const turnId = `turn_${++ids}`;
          const events = turn(turnId);
          await store.claim(conversationId, events.user("hello"), request("n"));
          const { fence = 0 } = (await store.turns.acquire(conversationId, turnId, "n")) ?? {};
          let position = 2;
          const append = async (event: ChatEvent, costs?: Spent) => {
            const [stored] = await store.appendAll(conversationId, [event], { fence, position: position++ });
            paid.push({ at: stored?.at ?? 0, spent: costs, in: new Set([conversationId]), isCounted: false });
          };
          for (const { ms, summary, spent: costs } of answers) {
            wall += ms;
            steady += ms;
            if (summary !== null)
              await append({ ...events.compaction(0, "short"), ...(summary && { spent: summary }) }, summary);
            await append({ ...events.answer("hi"), ...(costs && { spent: costs }) }, costs);
          }
          await append(events.end());
        };

        for (const each of steps) {
          if (each.do === "read") await read();
          else if (each.do === "wait") {
            wall += each.ms;
            steady += each.ms;
          } else if (each.do === "set") wall += each.ms;
          else if (each.do === "turn") {
            if (conversations[each.conversation] === undefined) conversations.push(`conv_${++ids}`);
            await runTurn(conversations[each.conversation] ?? conversations.at(-1) ?? "", each.answers);
          } else {
            const id = conversations[each.conversation];
            if (id === undefined) continue;
            if (each.do === "delete") {
              await store.archive.delete(id);
              for (const { in: of } of paid) of.delete(id);
              conversations.splice(each.conversation, 1);
            } else {
              const copy = `conv_${++ids}`;
              const seqs = (await store.read(id)).filter(({ type }) => type !== "fork").map(({ seq }) => seq);
              const first: ForkEvent = { type: "fork", turnId: `fork_${ids}`, origins: [id], toSeq: seqs.at(-1) ?? 0 };
              await store.archive.copy(id, copy, () => ({ first, seqs }));
              for (const { in: of } of paid) if (of.has(id)) of.add(copy);
              conversations.push(copy);
            }
          }
        }
        await read();
      }),
      { numRuns: runs(300) },
    ));
});

/** A log whose reads end when the test lets them. */
function heldLog() {
  const reads: { of: Period | number; end: (tokens: number) => void; fail: () => void }[] = [];
  const spent = (of: Period) =>
    new Promise<SpentTotals>((resolve, reject) => {
      const end = (tokens: number) => resolve({ ...none, tokens });
      reads.push({ of, end, fail: () => reject(new Error("the log is away")) });
    });
  const spendings = async (of: number) => {
    const { tokens } = await spent({ since: of, until: 0 });
    return [{ ...none, tokens, place: `place ${reads.length}`, at: early }];
  };
  return { reads, store: { spent, spendings } };
}

const noon = new Date(2026, 5, 1, 12).getTime();
/** A time so early in the day that the day so far is summed up in one part. */
const early = new Date(2026, 5, 1, 0, 30).getTime();
const untilIdle = () => new Promise(setImmediate);

describe("reads of the log", () => {
  const held = () => {
    const { reads, store } = heldLog();
    return { reads, day: new DaySpent(store, { now: () => early, steadyNow: () => 0 }) };
  };

  test("concurrent turns share one, but none that had begun before they asked", async () => {
    const { reads, day } = held();
    const first = [day.read(), day.read()];
    await untilIdle();
    expect(reads.map(({ of }) => of)).toEqual([{ since: midnightBefore(early), until: early - 5 * minute }]);
    const late = [day.read(), day.read(), day.read()];
    reads[0]?.end(10);
    await untilIdle();
    expect(reads).toHaveLength(2);
    reads[1]?.end(1);
    expect((await Promise.all(first)).map(({ tokens }) => tokens)).toEqual([11, 11]);
    await untilIdle();
    expect(reads).toHaveLength(3);
    reads[2]?.end(2);
    expect((await Promise.all(late)).map(({ tokens }) => tokens)).toEqual([13, 13, 13]);
    expect(reads).toHaveLength(3);
  });

  test("one that fails is repeated by the next turn, and nothing counts twice", async () => {
    const { reads, day } = held();
    for (const failing of [0, 2]) {
      const read = expect(day.read()).rejects.toThrow("the log is away");
      await untilIdle();
      if (failing === 2) reads[1]?.end(10);
      await untilIdle();
      reads[failing]?.fail();
      await read;
    }
    const read = day.read();
    await untilIdle();
    reads[3]?.end(1);
    expect(await read).toMatchObject({ tokens: 11 });
  });

  test("the day so far is summed up in parts of an hour, without a gap", async () => {
    const parts: Period[] = [];
    const store = {
      spent: async (of: Period) => {
        parts.push(of);
        return { ...none, tokens: 1 };
      },
      spendings: async () => [],
    };
    const { tokens } = await new DaySpent(store, { now: () => noon, steadyNow: () => 0 }).read();
    expect([tokens, parts[0]?.since, parts.at(-1)?.until]).toEqual([12, midnightBefore(noon), noon - 5 * minute]);
    for (const [index, { since, until }] of parts.entries()) {
      expect(until - since).toBeLessThanOrEqual(60 * minute);
      if (index > 0) expect(since).toBe(parts[index - 1]?.until);
    }
  });

  test("none looks further back than the last one", async () => {
    const asked: (Period | number)[] = [];
    const store = {
      spent: async (of: Period) => {
        asked.push(of);
        return none;
      },
      spendings: async (of: number) => {
        asked.push(of);
        return [];
      },
    };
    let now = midnightBefore(noon) + minute;
    const day = new DaySpent(store, { now: () => now, steadyNow: () => now });
    await day.read(); // a day that has just begun needs no sum
    for (now of [noon, noon + 5 * second]) await day.read();
    expect(asked).toEqual([midnightBefore(noon), midnightBefore(noon), noon - 5 * minute]);
  });
});
