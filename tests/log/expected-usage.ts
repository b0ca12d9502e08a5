/** The events of a log, and the usage that is computed from them: what the counters of a store must equal. */
import type { ChatStore } from "../../src/core/chat-store.js";
import type { ChatEvent } from "../../src/core/events.js";
import type { BilledAnswer } from "../../src/core/messages.js";
import { answersBilled } from "../../src/core/token-usage.js";
import type { Period } from "../../src/core/usage-store.js";
import { keyLength } from "../../src/log/shared/usage-fold.js";
import { listed } from "./support.js";

interface Entry<Event extends ChatEvent = ChatEvent> {
  event: Event;
  at: number;
}

type EventOf<T extends ChatEvent["type"]> = Extract<ChatEvent, { type: T }>;
type Counts = Record<string, number>;

/** Returns the usage of a log without copies. */
export async function usageExpectedIn(store: ChatStore): Promise<ExpectedUsage> {
  const expected = new ExpectedUsage();
  for (const { conversationId } of (await listed(store)).reverse()) {
    for (const { seq: _, at, ...event } of await store.read(conversationId))
      expected.add(conversationId, { event, at });
  }
  return expected;
}

export class ExpectedUsage {
  /** Events in order, by the id of their conversation. The conversation that was created first comes first. */
  readonly #conversations = new Map<string, Entry[]>();

  add(conversationId: string, entry: Entry): void {
    const entries = this.#conversations.get(conversationId) ?? [];
    this.#conversations.set(conversationId, entries);
    entries.push(entry);
  }

  copy(conversationId: string, to: string): void {
    const entries = this.#conversations.get(conversationId) ?? [];
    this.#conversations.set(
      to,
      entries.filter(({ event }) => event.type !== "title"),
    );
  }

  delete(conversationId: string): void {
    this.#conversations.delete(conversationId);
  }

  models(periods: readonly Period[]): object[] {
    const rows = new Rows();
    for (const period of periods) {
      for (const { entry } of this.#once(period, "assistant_message", "compaction", "title")) {
        for (const { provider, model, ...answer } of answersBilled(entry.event)) {
          rows.add({ at: period.since, provider: keyOf(provider), model: keyOf(model) }, countsOf(answer));
        }
      }
    }
    return rows.all();
  }

  tools(periods: readonly Period[]): object[] {
    const rows = new Rows();
    for (const period of periods) {
      for (const { conversationId, entry } of this.#once(period, "tool_result")) {
        const { name, isError } = entry.event;
        const sent = this.#sendingOf(conversationId, entry);
        if (!sent) continue;
        const resultBytes = Buffer.byteLength(JSON.stringify(entry.event.content));
        rows.add(
          { at: period.since, name: keyOf(name) },
          { calls: 1, errors: Number(isError), durationMs: entry.at - sent.at, resultBytes },
        );
      }
    }
    return rows.all();
  }

  conversations(period: Period): object[] {
    const rows = new Rows();
    for (const { conversationId, entry } of this.#once(period, "assistant_message", "compaction", "title")) {
      for (const answer of answersBilled(entry.event)) rows.add({ conversationId }, countsOf(answer));
    }
    return rows.all();
  }

  first(): number | undefined {
    const all = this.#once({ since: 0, until: Number.MAX_SAFE_INTEGER }, "assistant_message", "compaction", "title");
    const times = all.map(({ entry }) => entry.at);
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  /**
   * Returns the events of these types in the period. If an event was copied to other conversations, it is returned only once, from the
   * conversation that was created first.
   */
  #once<T extends ChatEvent["type"]>({ since, until }: Period, ...types: readonly T[]) {
    const found: { conversationId: string; entry: Entry<EventOf<T>> }[] = [];
    const seen = new Set<Entry>();
    for (const [conversationId, entries] of this.#conversations) {
      for (const entry of entries) {
        if (seen.has(entry) || !isOf(entry, types) || entry.at < since || entry.at >= until) continue;
        seen.add(entry);
        found.push({ conversationId, entry });
      }
    }
    return found;
  }

  /** Returns the latest sending of the call that has this result: a turn may use the same call id several times. */
  #sendingOf(conversationId: string, result: Entry<EventOf<"tool_result">>): Entry | undefined {
    const entries = this.#conversations.get(conversationId) ?? [];
    const { turnId, callId } = result.event;
    return entries
      .slice(0, entries.indexOf(result))
      .findLast(({ event }) => event.type === "tool_sent" && event.turnId === turnId && event.callId === callId);
  }
}

function isOf<T extends ChatEvent["type"]>(entry: Entry, types: readonly T[]): entry is Entry<EventOf<T>> {
  return (types as readonly string[]).includes(entry.event.type);
}

function keyOf(name: string): string {
  return [...name].slice(0, keyLength).join("");
}

function countsOf({ usage, spent }: Pick<BilledAnswer, "usage" | "spent">): Counts {
  return {
    requests: 1,
    inputTokens: usage?.inputTokens ?? 0,
    outputTokens: usage?.outputTokens ?? 0,
    reasoningTokens: usage?.reasoningTokens ?? 0,
    cachedTokens: usage?.cachedTokens ?? 0,
    cacheWriteTokens: usage?.cacheWriteTokens ?? 0,
    estimatedTokens: usage ? 0 : (spent?.tokens ?? 0),
    usd: spent?.usd ?? 0,
    unpriced: spent?.usd === undefined ? 1 : 0,
  };
}

/** Rows that add up counts. There is one row for all facts that are equal. */
class Rows {
  readonly #rows = new Map<string, { facts: object; counts: Counts }>();

  add(facts: object, added: Counts): void {
    const key = JSON.stringify(facts);
    const counts: Counts = this.#rows.get(key)?.counts ?? {};
    for (const [name, count] of Object.entries(added)) counts[name] = (counts[name] ?? 0) + count;
    this.#rows.set(key, { facts, counts });
  }

  all(): object[] {
    return [...this.#rows.values()].map(({ facts, counts }) => ({ ...facts, ...counts }));
  }
}
