/** Usage, computed from the events of the log in memory. Databases keep counters that equal these sums: see `usage-tables.ts`. */

import type { EventOf, StoredEvent } from "../../core/events.js";
import type { BilledAnswer } from "../../core/messages.js";
import { answersBilled } from "../../core/token-usage.js";
import {
  type ConversationUsage,
  type ModelCounts,
  type ModelUsage,
  type Period,
  type ToolCounts,
  type ToolUsage,
  type UsageCounters,
  usageTokens,
} from "../../core/usage-store.js";
import { keyLength } from "../shared/spent.js";
import type { MemoryConversation, MemoryLog } from "./log.js";

export class MemoryUsage implements UsageCounters {
  readonly #log: MemoryLog;

  constructor(log: MemoryLog) {
    this.#log = log;
  }

  async models(periods: readonly Period[]): Promise<ModelUsage[]> {
    const rows = new Rows<ModelUsage>();
    for (const period of periods) {
      for (const [, event] of this.#log.once(period, "assistant_message", "compaction")) {
        for (const answer of answersBilled(event))
          rows.add(
            { at: period.since, provider: keyOf(answer.provider), model: keyOf(answer.model) },
            countsOf(answer),
          );
      }
    }
    return rows.all();
  }

  async tools(periods: readonly Period[]): Promise<ToolUsage[]> {
    const rows = new Rows<ToolUsage>();
    for (const period of periods) {
      for (const [conversation, result] of this.#log.once(period, "tool_result")) {
        const sent = sendingOf(conversation, result);
        if (sent) rows.add({ at: period.since, name: keyOf(result.name) }, callOf(result, sent));
      }
    }
    return rows.all();
  }

  async conversations(period: Period, most: number) {
    const rows = new Rows<ConversationUsage>();
    for (const [{ conversationId }, event] of this.#log.once(period, "assistant_message", "compaction")) {
      for (const answer of answersBilled(event)) rows.add({ conversationId }, countsOf(answer));
    }
    const dearest = rows.all().sort((one, other) => other.usd - one.usd || usageTokens(other) - usageTokens(one));
    return { conversations: dearest.slice(0, most), all: dearest.length };
  }

  async first(): Promise<number | undefined> {
    const all = { since: 0, until: Number.MAX_SAFE_INTEGER };
    const times = [...this.#log.once(all, "assistant_message", "compaction")].map(([, { at }]) => at);
    return times.length > 0 ? times.reduce((first, at) => Math.min(first, at)) : undefined;
  }

  async progress(): Promise<undefined> {}

  async countOlder(): Promise<undefined> {}

  async reset(): Promise<void> {}
}

function keyOf(name: string): string {
  return name.length <= keyLength ? name : [...name].slice(0, keyLength).join("");
}

function countsOf({ usage, spent }: BilledAnswer): ModelCounts & Record<string, number> {
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

function callOf(result: EventOf<"tool_result">, sent: StoredEvent): ToolCounts & Record<string, number> {
  const { seq: _, at, ...payload } = result;
  return {
    calls: 1,
    errors: result.isError ? 1 : 0,
    durationMs: at - sent.at,
    resultBytes: Buffer.byteLength(JSON.stringify(payload)),
  };
}

/** Rows that add up counts. There is one row for all facts that are equal. */
class Rows<Row extends object> {
  readonly #rows = new Map<string, Row>();

  /** Adds the counts to the row with these facts. */
  add<Facts extends Partial<Row>>(facts: Facts, counts: Omit<Row, keyof Facts> & Record<string, number>): void {
    const key = JSON.stringify(Object.values(facts));
    const row = this.#rows.get(key) as (Row & Record<string, number>) | undefined;
    if (!row) this.#rows.set(key, { ...facts, ...counts } as unknown as Row);
    else for (const [name, count] of Object.entries(counts)) Object.assign(row, { [name]: (row[name] ?? 0) + count });
  }

  all(): Row[] {
    return [...this.#rows.values()];
  }
}

/**
 * Returns the `tool_sent` event of the call that has this result. Searches backwards, because a turn may use the same call id several
 * times.
 */
function sendingOf({ entries }: MemoryConversation, result: EventOf<"tool_result">): EventOf<"tool_sent"> | undefined {
  for (let index = result.seq - 2; index >= 0; index--) {
    const event = entries[index]?.event;
    if (event?.type === "tool_sent" && event.turnId === result.turnId && event.callId === result.callId) return event;
  }
  return undefined;
}
