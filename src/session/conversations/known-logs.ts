/**
 * A cache of conversations. With the cache, a turn reads only new events from the store. Data that is computed from an event is computed
 * only once. Long conversations are known from a checkpoint on (`log/folds/checkpoint.ts`). The checkpoint is stored, so that another process
 * does not read what comes before it either.
 */

import type { ChatStore } from "../../core/chat-store.js";
import { isOfNoTurn, isShortening } from "../../core/event-facts.js";
import type { StoredEvent } from "../../core/events.js";
import { type Checkpoint, isValid, type LogSince, parseCheckpoint } from "../../log/folds/checkpoint.js";
import { tokensOf } from "../../log/folds/estimate.js";
import { laterCheckpoint } from "../../log/folds/later-checkpoint.js";
import { turnMessages } from "../../log/folds/replay.js";
import { readTurns } from "../../log/folds/turn-records.js";
import { eventPages, mostInPage } from "../shared/event-pages.js";

type Store = Pick<ChatStore, "read" | "readBefore" | "checkpoints">;

interface KnownLog extends LogSince {
  /** Total size of the events, in characters of JSON. An estimate, if events were dropped. */
  size: number;
  /** A checkpoint is looked for when the events have this size. */
  nextCheckpointAt: number;
  /** The checkpoint suits only reads of at most this many tokens. Infinite if it suits every read. */
  mostTokens: number;
  /** The checkpoint that is in the store, as far as this host knows. */
  stored: Checkpoint | undefined;
}

interface ReadNeed {
  /** Tokens of the last turns that are read, if older turns were not summarised or left out. */
  mostTokens: number;
  /** A turn that is about to continue. All its events are read. */
  turnId?: string | undefined;
}

/**
 * Maximum size of all cached conversations, in characters of JSON. The conversation that was read last is not included in this limit. In
 * memory, the parsed events take about four times this size.
 */
const mostKept = 4 * 1024 * 1024;
/** Smallest size of events, in characters of JSON, for which a checkpoint is worth its write. */
const leastForCheckpoint = 64 * 1024;
/** A checkpoint is looked for again when the events have grown by this factor. */
const growth = 1.5;

export class KnownLogs {
  readonly #store: Store;
  readonly #mostKept: number;
  readonly #leastForCheckpoint: number;
  /** The cached conversations. The keys are their ids. The conversation that was read last is the last entry. */
  readonly #logs = new Map<string, KnownLog>();
  #size = 0;

  constructor(store: Store, most = mostKept, least = leastForCheckpoint) {
    this.#store = store;
    this.#mostKept = most;
    this.#leastForCheckpoint = least;
  }

  /**
   * Returns the conversation, perhaps from a checkpoint on. While an event is cached, every read returns the same object for this event. So
   * callers may store derived data in a WeakMap with the event as key. Callers must not change an event. Rejects with StoreError, and with
   * RequestError `not_found` if the conversation is deleted meanwhile.
   */
  async read(conversationId: string, need: ReadNeed): Promise<LogSince> {
    const { turnId } = need;
    const known = (await this.#continued(conversationId, need)) ?? (await this.#loaded(conversationId, need));
    const isThere = !known.checkpoint || !turnId || known.events.some((event) => event.turnId === turnId);
    const log = this.#shortened(isThere ? known : await this.#whole(conversationId), need);
    const { checkpoint } = log;
    if (checkpoint && checkpoint !== log.stored && log.mostTokens === Number.POSITIVE_INFINITY) {
      log.stored = checkpoint;
      // If it cannot be stored, the next process reads more than it needs.
      void this.#store.checkpoints.put(conversationId, JSON.stringify(checkpoint)).catch(() => {});
    }
    this.#keep(conversationId, log);
    return log;
  }

  /** Returns a conversation that has just begun with this event. */
  begin(conversationId: string, first: StoredEvent): LogSince {
    const log = { ...this.#empty(), events: [first], size: sizeOf([first]) };
    this.#keep(conversationId, log);
    return log;
  }

  /** Returns the last turns that ended before the event with this `seq`, with about `mostTokens` tokens. Rejects with StoreError. */
  async readTrimmed(conversationId: string, before: number, mostTokens: number): Promise<StoredEvent[]> {
    let events: StoredEvent[] = [];
    for (;;) {
      const page = await this.#store.readBefore(conversationId, events[0]?.seq ?? before, mostInPage);
      events = [...page, ...events];
      if (page.length < 2 || tokensOf(turnMessages(readTurns(events))) >= mostTokens) break;
      await new Promise(setImmediate);
    }
    const begun = new Set(events.flatMap(({ type, turnId }) => (type === "user_message" ? [turnId] : [])));
    return events.filter((event) => begun.has(event.turnId) || isOfNoTurn(event));
  }

  /** Drops the conversation from the cache. Called if it was deleted, or to make room for other conversations. */
  forget(conversationId: string): void {
    this.#size -= this.#logs.get(conversationId)?.size ?? 0;
    this.#logs.delete(conversationId);
  }

  /** Returns the cached conversation with its new events. Returns undefined if it must be read anew. */
  async #continued(conversationId: string, { mostTokens }: ReadNeed): Promise<KnownLog | undefined> {
    const known = this.#logs.get(conversationId);
    const last = known?.events.at(-1);
    if (!known || !last || known.mostTokens < mostTokens) return undefined;
    const [again, ...news] = await this.#store.read(conversationId, last.seq);
    // A log only grows, but the conversation may have been deleted and a new one created with the same id.
    if (!again || !isSame(again, last)) return undefined;
    if (news.length === 0) return known;
    const events = [...known.events, ...news];
    const isShortened = news.some(isShortening);
    const nextCheckpointAt = isShortened ? this.#leastForCheckpoint : known.nextCheckpointAt;
    const log = { ...known, events, size: known.size + sizeOf(news), nextCheckpointAt };
    return isValid(log, news) ? log : undefined;
  }

  /** Reads the conversation from its stored checkpoint on, or from its beginning if that is not valid. */
  async #loaded(conversationId: string, need: ReadNeed): Promise<KnownLog> {
    const events = await this.#store.read(conversationId, 1, mostInPage);
    const size = sizeOf(events);
    // A short conversation costs one statement. It needs no checkpoint.
    if (events.length < mostInPage && size < this.#leastForCheckpoint) return { ...this.#empty(), events, size };
    const stored = parseCheckpoint(await this.#store.checkpoints.read(conversationId));
    return (
      (await this.#readFrom(stored, conversationId, need)) ??
      (stored && (await this.#readFrom(undefined, conversationId, need))) ??
      (await this.#whole(conversationId))
    );
  }

  /**
   * Reads the conversation from the checkpoint on, in pages. Meanwhile it drops turns that will not be needed, so that a long conversation
   * neither is in memory as a whole nor stops the event loop. Returns undefined if the checkpoint turns out not to be valid.
   */
  async #readFrom(
    checkpoint: Checkpoint | undefined,
    conversationId: string,
    need: ReadNeed,
  ): Promise<KnownLog | undefined> {
    let log: KnownLog = { ...this.#empty(), checkpoint, stored: checkpoint };
    for await (const page of eventPages(this.#store, conversationId, checkpoint?.from)) {
      log = { ...log, events: [...log.events, ...page], size: log.size + sizeOf(page) };
      if (!isValid(log, page)) return undefined;
      // A rewind may follow that takes back a summary or a trim. So turns before it stay, as far as they may be needed then.
      if (log.size >= log.nextCheckpointAt)
        log = this.#since(readableCheckpoint(log, need.turnId, need.mostTokens), log, need);
    }
    if (checkpoint && log.events.length === 0) return undefined;
    return { ...log, nextCheckpointAt: this.#leastForCheckpoint };
  }

  async #whole(conversationId: string): Promise<KnownLog> {
    const events: StoredEvent[] = [];
    for await (const page of eventPages(this.#store, conversationId)) for (const event of page) events.push(event);
    return { ...this.#empty(), events, size: sizeOf(events) };
  }

  #empty(): KnownLog {
    const everyRead = Number.POSITIVE_INFINITY;
    const nextCheckpointAt = this.#leastForCheckpoint;
    return { events: [], size: 0, nextCheckpointAt, mostTokens: everyRead, stored: undefined };
  }

  /** Returns the log from a later checkpoint on, if there can be one. */
  #shortened(log: KnownLog, need: ReadNeed): KnownLog {
    if (log.size < log.nextCheckpointAt) return log;
    const later = readableCheckpoint(log, need.turnId);
    if (later) return this.#since(later, log, { mostTokens: Number.POSITIVE_INFINITY });
    return this.#since(readableCheckpoint(log, need.turnId, need.mostTokens), log, need);
  }

  #since(later: Required<LogSince> | undefined, log: KnownLog, { mostTokens }: ReadNeed): KnownLog {
    if (!later) return { ...log, nextCheckpointAt: log.size * growth };
    const size = (log.size * later.events.length) / log.events.length;
    return { ...log, ...later, size, mostTokens, nextCheckpointAt: Math.max(this.#leastForCheckpoint, size * growth) };
  }

  #keep(conversationId: string, log: KnownLog): void {
    this.forget(conversationId);
    for (const oldest of this.#logs.keys()) {
      if (this.#size <= this.#mostKept) break;
      this.forget(oldest);
    }
    this.#logs.set(conversationId, log);
    this.#size += log.size;
  }
}

/**
 * Returns `laterCheckpoint`, or undefined if an event cannot be read. The conversation stays readable then: a turn that needs the event ends
 * with the error, and the conversation can be cancelled and deleted.
 */
const readableCheckpoint: typeof laterCheckpoint = (...parameters) => {
  try {
    return laterCheckpoint(...parameters);
  } catch {
    return undefined;
  }
};

/**
 * Returns true if both are the same event. If the conversation was deleted and created again with the same id, the two events differ,
 * because turn ids are never used again.
 */
function isSame(one: StoredEvent, other: StoredEvent): boolean {
  return one.seq === other.seq && one.turnId === other.turnId && one.type === other.type && one.at === other.at;
}

function sizeOf(events: readonly StoredEvent[]): number {
  return events.reduce((sum, event) => sum + JSON.stringify(event).length, 0);
}
