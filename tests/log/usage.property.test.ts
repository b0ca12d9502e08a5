/**
 * A log keeps counters of usage, which equal what is computed from its events. It also keeps totals of what was spent, which are the plain sum
 * of all requests: also of unfinished turns and of deleted conversations.
 */
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ChatStore } from "../../src/core/chat-store.js";
import type { AssistantMessageEvent, ChatEvent, ForkEvent } from "../../src/core/events.js";
import type { Spent } from "../../src/core/messages.js";
import { answersBilled } from "../../src/core/token-usage.js";
import { addSpent, nothingSpent, type Period } from "../../src/core/usage-store.js";
import { openStore } from "../../src/log/open.js";
import { runs } from "../support/runs.js";
import { driverUnderTest, newStorage } from "../support/storages.js";
import { ExpectedUsage } from "./expected-usage.js";
import { inFolder, listed, request, turn } from "./support.js";

const minute = 60_000;
const quarter = 15 * minute;
const hour = 60 * minute;

const does = <T extends string>(weight: number, name: T) => ({
  weight,
  arbitrary: fc.record({ do: fc.constant(name), conversation: fc.nat({ max: 3 }) }),
});
const step = fc.oneof(
  does(4, "begin"),
  does(4, "answer"),
  does(4, "tool"),
  does(1, "denied"),
  does(1, "sent"),
  does(2, "compaction"),
  does(4, "end"),
  does(1, "fail"),
  does(3, "copy"),
  does(3, "delete"),
  does(3, "rewind"),
  does(3, "title"),
  // The clock may be set back by less than an hour.
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("wait"), ms: fc.constantFrom(minute, 3 * hour, 90 * hour, -10 * minute) }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
const hours = fc.nat({ max: 400 });

const kinds: readonly (Spent | undefined)[] = [
  { tokens: 5, usd: 0.25 },
  { tokens: 7, estimated: true },
  undefined,
  { tokens: 2, usd: 0.5, estimated: true },
];

/** Answers to one request, if there were several. */
const billed: readonly Pick<AssistantMessageEvent, "billed">[] = [
  {},
  {
    billed: [
      {
        provider: "test",
        model: "m1",
        usage: { inputTokens: 30, outputTokens: 20, cachedTokens: 5 },
        spent: { tokens: 50, usd: 0.5 },
      },
      { provider: "other", model: "m1", spent: { tokens: 70, estimated: true } },
      { provider: "test", model: "m1", usage: { inputTokens: 3, outputTokens: 2 }, spent: { tokens: 5, usd: 0.25 } },
    ],
  },
  {},
  { billed: [{ provider: "x".repeat(300), model: "m2", usage: { inputTokens: 1, outputTokens: 2 } }] },
  {},
];

interface RunningTurn {
  turnId: string;
  fence: number;
  position: number;
  lastSeq: number;
  /** Ids of the calls that were sent and have no result. */
  sent: string[];
}

/** Runs the steps on a log, and keeps its events. */
class UsedLog {
  readonly #store: ChatStore;
  readonly #expected: ExpectedUsage;
  readonly #conversations: string[] = [];
  /** The turn that runs in a conversation. As in a host, `lastSeq` lets the file store an event without changing `conversations`. */
  readonly #running = new Map<string, RunningTurn>();
  /** The last turn of a conversation, if it failed. It may be resumed. */
  readonly #failed = new Map<string, RunningTurn>();
  readonly #newId: () => number;
  readonly #now: () => number;
  /** Every request of these steps. */
  readonly paid: { at: number; spent: Spent | undefined }[] = [];

  constructor(
    store: ChatStore,
    { expected, newId, now }: { expected: ExpectedUsage; newId: () => number; now: () => number },
  ) {
    this.#store = store;
    this.#expected = expected;
    this.#newId = newId;
    this.#now = now;
  }

  async take(each: Exclude<Step, { do: "wait" }>): Promise<void> {
    if (each.do === "begin") return this.#begin(this.#conversations[each.conversation]);
    const id = this.#conversations[each.conversation % this.#conversations.length];
    if (id === undefined) return;
    const isRunning = this.#running.has(id);
    if (each.do === "delete") return isRunning ? undefined : this.#delete(id);
    if (each.do === "copy") return isRunning ? undefined : this.#copy(id);
    if (each.do === "rewind") return isRunning ? undefined : this.#rewind(id);
    if (each.do === "title") return this.#title(id);
    const running = this.#running.get(id);
    if (!running) return;
    const { answer, compaction, sent, result, end, error } = turn(running.turnId);
    if (each.do === "answer")
      return this.#append(id, {
        ...answer("hi"),
        usage: { inputTokens: 3, outputTokens: 2 },
        ...this.#spent(),
        ...billed[this.paid.length % billed.length],
      });
    if (each.do === "compaction")
      return this.#append(id, {
        ...compaction(0, "short"),
        ...this.#spent(),
        ...billed[(this.paid.length + 1) % billed.length],
      });
    if (each.do === "end") {
      await this.#append(id, end());
      this.#running.delete(id);
      return;
    }
    if (each.do === "fail") {
      await this.#append(id, error());
      this.#running.delete(id);
      this.#failed.set(id, running);
      return;
    }
    const callId = running.sent.pop() ?? `call_${this.#newId() % 5}`;
    if (each.do === "denied") return this.#append(id, result(`denied_${callId}`, "no", true));
    await this.#append(id, sent(callId));
    if (each.do === "sent") running.sent.push(callId);
    else await this.#append(id, result(callId, "42"));
  }

  /** Returns what a request has spent, one kind after the other, and keeps it with the time. */
  #spent(): { spent?: Spent } {
    const spent = kinds[this.paid.length % kinds.length];
    this.paid.push({ at: this.#now(), spent });
    return spent ? { spent } : {};
  }

  async #begin(known: string | undefined): Promise<void> {
    const id = known ?? `conv_${this.#newId()}`;
    if (known === undefined) this.#conversations.push(id);
    if (this.#running.has(id)) return;
    const failed = this.#failed.get(id);
    this.#failed.delete(id);
    const turnId = failed?.turnId ?? `turn_${this.#newId()}`;
    const event = turn(turnId).user("hello");
    const { created, events } = await this.#store.claim(id, event, request("n"));
    if (created) this.#expected.add(id, { event, at: this.#now() });
    const lastSeq = events.at(-1)?.seq ?? 0;
    const { fence = 0 } = (await this.#store.turns.acquire(id, turnId, "n")) ?? {};
    this.#running.set(id, { turnId, fence, position: failed?.position ?? 2, lastSeq, sent: failed?.sent ?? [] });
  }

  async #append(id: string, event: ChatEvent): Promise<void> {
    const running = this.#running.get(id);
    if (!running) return;
    const { fence } = running;
    await this.#store.appendAll(id, [event], { fence, position: running.position++, lastSeq: running.lastSeq++ });
    this.#expected.add(id, { event, at: this.#now() });
  }

  async #delete(id: string): Promise<void> {
    this.#conversations.splice(this.#conversations.indexOf(id), 1);
    this.#failed.delete(id);
    await this.#store.archive.delete(id);
    this.#expected.delete(id);
  }

  async #rewind(id: string): Promise<void> {
    if (this.#failed.has(id)) return;
    const rewind = { type: "rewind" as const, turnId: `rewind_${this.#newId()}`, toSeq: 0 };
    await this.#store.archive.amend(id, () => rewind);
  }

  /** Stores a title, also while a turn runs. */
  async #title(id: string): Promise<void> {
    const facts = { provider: "test", model: "m1", attempts: 1, usage: { inputTokens: 3, outputTokens: 2 } };
    const turnId = `title_${this.#newId()}`;
    const event = { type: "title" as const, turnId, title: "A title", ...facts, ...this.#spent() };
    await this.#store.archive.addTitle(id, event);
    this.#expected.add(id, { event, at: this.#now() });
  }

  async #copy(id: string): Promise<void> {
    const to = `conv_${this.#newId()}`;
    this.#conversations.push(to);
    const events = await this.#store.read(id);
    const earlier = events[0]?.type === "fork" ? events[0].origins : [];
    const seqs = events.filter(({ type }) => type !== "fork" && type !== "title").map(({ seq }) => seq);
    const first: ForkEvent = {
      type: "fork",
      turnId: `fork_${to}`,
      origins: [id, ...earlier],
      toSeq: seqs.at(-1) ?? 0,
    };
    await this.#store.archive.copy(id, to, () => ({ first, seqs }));
    this.#expected.copy(id, to);
    const failed = this.#failed.get(id);
    if (failed) this.#failed.set(to, { ...failed, sent: [...failed.sent] });
  }
}

const sorted = (rows: readonly object[]) => rows.map((row) => JSON.stringify(Object.entries(row).sort())).sort();

async function usageOf({ usage }: ChatStore, periods: readonly Period[]) {
  const [period] = periods as [Period];
  const { conversations, all } = await usage.conversations(period, 1_000);
  return {
    models: sorted(await usage.models(periods)),
    tools: sorted(await usage.tools(periods)),
    conversations: sorted(conversations),
    all,
  };
}

function expectedIn(expected: ExpectedUsage, periods: readonly Period[]) {
  const [period] = periods as [Period];
  const conversations = expected.conversations(period);
  return {
    models: sorted(expected.models(periods)),
    tools: sorted(expected.tools(periods)),
    conversations: sorted(conversations),
    all: conversations.length,
  };
}

test("the counters equal the sums of the events, in any period", () =>
  inFolder(async (folder) => {
    let now = 0;
    const parts = { now: () => now, observe: () => {} };
    const storage = await newStorage(folder);
    const [counting, otherHost] = [await openStore(storage, parts), await openStore(storage, parts)];
    const expected = new ExpectedUsage();
    let ids = 0;
    const isPostgres = driverUnderTest === "postgres";
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), hours, hours, async (steps, after, length) => {
        const start = now + 1_000 * hour; // all runs share the log and what is expected of it
        now = start;
        const log = new UsedLog(counting, { expected, newId: () => ++ids, now: () => now });
        for (const each of steps) {
          if (each.do === "wait") now += each.ms;
          else await log.take(each);
        }
        const day = Math.floor((start + after * hour) / quarter) * quarter;
        const ofDay = { since: day, until: day + length * hour };
        const spent = { ...nothingSpent };
        for (const each of log.paid) {
          if (each.spent && each.at >= ofDay.since && each.at < ofDay.until) addSpent(spent, each.spent);
        }
        for (const host of [counting, otherHost]) expect(await host.spent(ofDay)).toEqual(spent);
        const since = start + after * hour;
        const aligned = [since, now - hour, now + 5 * minute].map((at) => Math.floor(at / quarter) * quarter);
        const periods = aligned.map((from) => [
          { since: from, until: from + length * hour + 3 * quarter },
          { since: from + (length + 2) * hour, until: from + (length + 2) * hour + quarter },
        ]);
        const always = [{ since: 0, until: Math.ceil((now + 1) / quarter) * quarter }];
        for (const part of [...periods, always]) {
          expect(await usageOf(counting, part)).toEqual(expectedIn(expected, part));
        }
        const first = expected.first();
        if (first !== undefined) expect(await counting.usage.first()).toBeLessThanOrEqual(first);
      }),
      { numRuns: runs(isPostgres ? 25 : 150) },
    );
    await Promise.all([counting.close(), otherHost.close()]);
  }));

test("a failed turn that continues in a conversation and in its copy is counted in both from then on", () =>
  inFolder(async (folder) => {
    let now = 0;
    const parts = { now: () => now, observe: () => {} };
    const store = await openStore(await newStorage(folder), parts);
    const log = new UsedLog(store, { expected: new ExpectedUsage(), newId: () => now, now: () => now });
    const continued = ["begin", "answer", "end"] as const;
    const steps = ["begin", "answer", "fail", "copy", ...continued] as const;
    for (const each of [...steps.map((name) => [name, 0] as const), ...continued.map((name) => [name, 1] as const)]) {
      now += minute;
      await log.take({ do: each[0], conversation: each[1] });
    }
    const events = await Promise.all((await listed(store)).map(({ conversationId }) => store.read(conversationId)));
    const answers = events.flat().filter((event) => event.type === "assistant_message");
    expect(answers).toHaveLength(4);
    const different = new Map(answers.map((answer) => [answer.at, answer]));
    const used = await store.usage.models([{ since: 0, until: hour }]);
    const requests = [...different.values()].flatMap(answersBilled).length;
    expect(used.reduce((sum, line) => sum + line.requests, 0)).toBe(requests);
    await store.close();
  }));
