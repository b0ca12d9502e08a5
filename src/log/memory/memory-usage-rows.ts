/** Computes usage from the log in memory. `usage-statements.ts` does the same for databases. */

import type { ModelUsage, Period, ToolUsage } from "../../core/chat-store.js";
import type { StoredEvent } from "../../core/events.js";
import { quarterMs } from "../shared/spent.js";
import type { MemoryConversation, MemoryLog } from "./log.js";

type EventOf<T extends StoredEvent["type"]> = Extract<StoredEvent, { type: T }>;

export function modelUsage(log: MemoryLog, period: Period): ModelUsage[] {
  const rows = new Rows<ModelUsage>();
  for (const [{ conversationId }, answer] of log.once(period, "assistant_message", "compaction")) {
    const { provider, model, usage, spent } = answer;
    rows.add(
      { at: quarterOf(answer), conversationId, provider, model },
      {
        requests: 1,
        inputTokens: usage?.inputTokens ?? 0,
        outputTokens: usage?.outputTokens ?? 0,
        reasoningTokens: usage?.reasoningTokens ?? 0,
        cachedTokens: usage?.cachedTokens ?? 0,
        cacheWriteTokens: usage?.cacheWriteTokens ?? 0,
        estimatedTokens: usage ? 0 : (spent?.tokens ?? 0),
        usd: spent?.usd ?? 0,
        unpriced: spent?.usd === undefined ? 1 : 0,
      },
    );
  }
  return rows.all();
}

export function toolUsage(log: MemoryLog, period: Period): ToolUsage[] {
  const rows = new Rows<ToolUsage>();
  for (const [conversation, result] of log.once(period, "tool_result")) {
    const sent = sendingOf(conversation, result);
    if (!sent) continue;
    const { seq: _, at: __, ...payload } = result;
    rows.add(
      { at: quarterOf(result), conversationId: conversation.conversationId, name: result.name },
      {
        calls: 1,
        errors: result.isError ? 1 : 0,
        durationMs: result.at - sent.at,
        resultBytes: Buffer.byteLength(JSON.stringify(payload)),
      },
    );
  }
  return rows.all();
}

/**
 * Rows that add up counts. `add` creates a row for new `facts`; if there is already a row with equal `facts`, it adds the counts to that
 * row.
 */
class Rows<Row extends object> {
  readonly #rows = new Map<string, Row>();

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

function quarterOf({ at }: StoredEvent): number {
  return Math.floor(at / quarterMs) * quarterMs;
}
