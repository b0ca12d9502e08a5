/** Counts the usage of events. The table of usage (`sql/usage-table.ts`) keeps these counts. */
import { isBilled, isOfNoTurn } from "../../core/event-facts.js";
import type { StoredEvent } from "../../core/events.js";
import type { BilledAnswer } from "../../core/messages.js";
import { answersBilled } from "../../core/token-usage.js";
import { storable } from "./conversation-facts.js";
import { quarterMs } from "./spent.js";

export const modelCounts = [
  "requests",
  "input_tokens",
  "output_tokens",
  "reasoning_tokens",
  "cached_tokens",
  "cache_write_tokens",
  "estimated_tokens",
  "usd",
  "unpriced",
] as const;
export const toolCounts = ["calls", "errors", "duration_ms", "result_bytes"] as const;
export const usageCounts = [...modelCounts, ...toolCounts];

type UsageCounts = Record<(typeof usageCounts)[number], number>;

/** Usage of a model or a tool in a quarter of an hour. */
export interface UsageRow extends UsageCounts {
  /** Start of the quarter. */
  at: number;
  kind: "model" | "tool";
  /** Provider of the model. Empty for tools. */
  provider: string;
  name: string;
}

/**
 * Lengths of the periods for which there are totals, in ms, the longest first. With the hours, the days of most time zones take a quarter of the
 * rows. With the days, which are those of UTC, a report of 700 days by model takes a twentieth of the time.
 */
export const hourMs = 60 * 60 * 1000;
export const usageSpans = [24 * hourMs, hourMs, quarterMs];

/**
 * Longest name of a provider, model or tool, in characters. The rest is cut off, because PostgreSQL's indexes cannot hold a long text, and a
 * caller of the API may have chosen the name of the model.
 */
export const keyLength = 200;

const nothing = Object.fromEntries(usageCounts.map((name) => [name, 0])) as UsageCounts;

/**
 * Returns the usage of those events for which `isNew` returns true. Only tool calls that were sent count. Their time is that from the sending to the
 * result, so the events must begin with the request of a turn.
 */
export function countUsage(events: readonly StoredEvent[], isNew: (event: StoredEvent) => boolean): UsageRow[] {
  const sentAt = new Map<string, number>();
  return events.flatMap((event) => {
    if (event.type === "tool_sent") sentAt.set(`${event.turnId}\n${event.callId}`, event.at);
    try {
      return isNew(event) ? rowsOf(event, sentAt) : [];
    } catch {
      return []; // an event that this version cannot read must not keep its turn from ending
    }
  });
}

function rowsOf(event: StoredEvent, sentAt: ReadonlyMap<string, number>): UsageRow[] {
  const at = Math.floor(event.at / quarterMs) * quarterMs;
  if (isBilled(event)) {
    return answersBilled(event).map(({ provider, model, ...answer }) => ({
      ...{ at, kind: "model", provider: keyOf(provider), name: keyOf(model) },
      ...countsOf(answer),
    }));
  }
  const sent = event.type === "tool_result" ? sentAt.get(`${event.turnId}\n${event.callId}`) : undefined;
  if (event.type !== "tool_result" || sent === undefined) return [];
  const counts = {
    calls: 1,
    errors: event.isError ? 1 : 0,
    duration_ms: event.at - sent,
    result_bytes: Buffer.byteLength(JSON.stringify(event.content)),
  };
  return [{ ...nothing, at, kind: "tool", provider: "", name: keyOf(event.name), ...counts }];
}

function countsOf({ usage, spent }: Pick<BilledAnswer, "usage" | "spent">): UsageCounts {
  return {
    ...nothing,
    requests: 1,
    input_tokens: usage?.inputTokens ?? 0,
    output_tokens: usage?.outputTokens ?? 0,
    reasoning_tokens: usage?.reasoningTokens ?? 0,
    cached_tokens: usage?.cachedTokens ?? 0,
    cache_write_tokens: usage?.cacheWriteTokens ?? 0,
    estimated_tokens: usage ? 0 : (spent?.tokens ?? 0),
    usd: spent?.usd ?? 0,
    unpriced: spent?.usd === undefined ? 1 : 0,
  };
}

function keyOf(name: string): string {
  return storable(name.length <= keyLength ? name : [...name].slice(0, keyLength).join(""));
}

/** A row of the table: of a conversation (`span` is 0) or a total. */
interface TableRow extends UsageRow {
  span: number;
  owner: string;
}

export interface PlacedEvent {
  position: number | null;
  event: StoredEvent;
}

/** Changes of the table of usage, which one transaction makes. */
export class UsageChange {
  readonly #shard: string;
  readonly #rows = new Map<string, TableRow>();
  /** The events that are counted, while conversations are counted anew. A copy of an event and its original are the same. */
  readonly #seen = new Set<string>();

  /** `shard`: which of the equal rows of a total are changed. */
  constructor(shard = "") {
    this.#shard = shard;
  }

  add(conversationId: string, rows: readonly UsageRow[]): void {
    for (const row of rows) {
      this.#add({ ...row, span: 0, owner: conversationId }, 1);
      this.#addToTotals(row, 1);
    }
  }

  /** Takes the rows of a conversation, which have been deleted from the table, away from the totals. */
  takeBack(rows: readonly UsageRow[]): void {
    for (const row of rows) this.#addToTotals(row, -1);
  }

  /**
   * Adds the usage of a conversation, without events that a conversation has for which this was called before. Events after `counted` belong to
   * unfinished turns, unless they belong to no turn.
   */
  addAnew(conversationId: string, all: readonly PlacedEvent[], counted: number): void {
    const events = all.filter(({ event }) => event.seq <= counted || isOfNoTurn(event));
    const keys = new Map(events.map(({ event, position }) => [event.seq, `${event.turnId} ${position} ${event.at}`]));
    const isNew = ({ seq }: StoredEvent) => !this.#seen.has(keys.get(seq) ?? "");
    this.add(
      conversationId,
      countUsage(
        events.map(({ event }) => event),
        isNew,
      ),
    );
    for (const key of keys.values()) this.#seen.add(key);
  }

  /** Returns the rows as JSON, in the same order in every transaction, so that two transactions never wait for each other's rows. */
  toJson(): string {
    return JSON.stringify([...this.#rows].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, row]) => row));
  }

  get isEmpty(): boolean {
    return this.#rows.size === 0;
  }

  #addToTotals(row: UsageRow, sign: 1 | -1): void {
    for (const span of usageSpans) {
      this.#add({ ...row, span, at: Math.floor(row.at / span) * span, owner: this.#shard }, sign);
    }
  }

  #add(row: TableRow, sign: 1 | -1): void {
    const { span, at, owner, kind, provider, name } = row;
    const key = JSON.stringify([span, at, owner, kind, provider, name]);
    const sum = this.#rows.get(key) ?? { ...row, ...nothing };
    for (const count of usageCounts) sum[count] += sign * row[count];
    this.#rows.set(key, sum);
  }
}
