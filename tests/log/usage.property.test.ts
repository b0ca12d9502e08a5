/** A file finds the usage of a period in the conversations that were changed since its start. A log in memory reads everything. */
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ChatStore } from "../../src/core/chat-store.js";
import type { ChatEvent, ForkEvent } from "../../src/core/events.js";
import { openStore } from "../../src/log/open.js";
import { runs } from "../support/runs.js";
import { inFolder, request, turn } from "./support.js";

const minute = 60_000;
const hour = 60 * minute;

const does = <T extends string>(weight: number, name: T) => ({
  weight,
  arbitrary: fc.record({ do: fc.constant(name), conversation: fc.nat({ max: 3 }) }),
});
const step = fc.oneof(
  does(4, "begin"),
  does(4, "answer"),
  does(4, "tool"),
  does(2, "compaction"),
  does(2, "end"),
  does(1, "copy"),
  does(1, "delete"),
  // The clock may be set back by less than an hour.
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("wait"), ms: fc.constantFrom(minute, 3 * hour, 90 * hour, -10 * minute) }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
const hours = fc.nat({ max: 400 });

/** Runs the steps on both logs, which therefore have the same events. */
class TwoLogs {
  readonly #stores: readonly ChatStore[];
  readonly #conversations: string[] = [];
  /** The turn that runs in a conversation. As in a host, `lastSeq` lets the file store an event without changing `conversations`. */
  readonly #running = new Map<string, { turnId: string; fences: number[]; position: number; lastSeq: number }>();
  readonly #newId: () => number;

  constructor(stores: readonly ChatStore[], newId: () => number) {
    this.#stores = stores;
    this.#newId = newId;
  }

  async take(each: Exclude<Step, { do: "wait" }>): Promise<void> {
    if (each.do === "begin") return this.#begin(this.#conversations[each.conversation]);
    const id = this.#conversations[each.conversation % this.#conversations.length];
    if (id === undefined) return;
    const isRunning = this.#running.has(id);
    if (each.do === "delete") return isRunning ? undefined : this.#delete(id);
    if (each.do === "copy") return isRunning ? undefined : this.#copy(id);
    const { turnId } = this.#running.get(id) ?? {};
    if (turnId === undefined) return;
    const { answer, compaction, sent, result, end } = turn(turnId);
    const spent = { tokens: 5, usd: 0.25 };
    if (each.do === "answer")
      return this.#append(id, { ...answer("hi"), usage: { inputTokens: 3, outputTokens: 2 }, spent });
    if (each.do === "compaction") return this.#append(id, { ...compaction(0, "short"), spent });
    if (each.do === "end") {
      await this.#append(id, end());
      this.#running.delete(id);
      return;
    }
    const callId = `call_${this.#newId()}`;
    await this.#append(id, sent(callId));
    await this.#append(id, result(callId, "42"));
  }

  async #begin(known: string | undefined): Promise<void> {
    const id = known ?? `conv_${this.#newId()}`;
    if (known === undefined) this.#conversations.push(id);
    if (this.#running.has(id)) return;
    const { user } = turn(`turn_${this.#newId()}`);
    const message = user("hello");
    const fences: number[] = [];
    let lastSeq = 0;
    for (const store of this.#stores) {
      const { events } = await store.claim(id, message, request("n"));
      lastSeq = events[0]?.seq ?? 0;
      fences.push((await store.turns.acquire(id, message.turnId, "n"))?.fence ?? 0);
    }
    this.#running.set(id, { turnId: message.turnId, fences, position: 2, lastSeq });
  }

  async #append(id: string, event: ChatEvent): Promise<void> {
    const running = this.#running.get(id);
    if (!running) return;
    const position = running.position++;
    const lastSeq = running.lastSeq++;
    for (const [index, store] of this.#stores.entries()) {
      await store.appendAll(id, [event], { fence: running.fences[index] ?? 0, position, lastSeq });
    }
  }

  async #delete(id: string): Promise<void> {
    this.#conversations.splice(this.#conversations.indexOf(id), 1);
    for (const store of this.#stores) await store.archive.delete(id);
  }

  async #copy(id: string): Promise<void> {
    const to = `conv_${this.#newId()}`;
    this.#conversations.push(to);
    for (const store of this.#stores) {
      const seqs = (await store.read(id)).filter(({ type }) => type !== "fork").map(({ seq }) => seq);
      const first: ForkEvent = { type: "fork", turnId: `fork_${to}`, origins: [id], toSeq: seqs.at(-1) ?? 0 };
      await store.archive.copy(id, to, () => ({ first, seqs }));
    }
  }
}

const sorted = (rows: readonly object[]) => rows.map((row) => JSON.stringify(Object.entries(row).sort())).sort();

test("the usage of any period is the same on both", () =>
  inFolder(async (folder) => {
    let now = 0;
    const parts = { now: () => now, observe: () => {} };
    const file = await openStore({ driver: "sqlite", path: join(folder, "log.db") }, parts);
    const memory = await openStore({ driver: "memory" }, parts);
    let ids = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), hours, hours, async (steps, after, length) => {
        const start = now + 1_000 * hour; // all runs share the logs
        now = start;
        const logs = new TwoLogs([file, memory], () => ++ids);
        for (const each of steps) {
          if (each.do === "wait") now += each.ms;
          else await logs.take(each);
        }
        const since = start + after * hour;
        const periods = [since, now - hour, now + 5 * minute].map((from) => ({
          since: from,
          until: from + length * hour,
        }));
        for (const period of periods) {
          const [found, all] = [await file.usage(period), await memory.usage(period)];
          expect(sorted(found.models)).toEqual(sorted(all.models));
          expect(sorted(found.tools)).toEqual(sorted(all.tools));
        }
      }),
      { numRuns: runs(200) },
    );
    await Promise.all([file.close(), memory.close()]);
  }));
