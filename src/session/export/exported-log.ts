import { RequestError } from "../../core/errors.js";
import { isOfNoTurn } from "../../core/event-facts.js";
import type { RewindEvent, StoredEvent } from "../../core/events.js";
import { addAll } from "../../core/lists/long-lists.js";
import { isRewound, type TurnSpan } from "../../log/folds/rewind.js";
import { type EventReader, eventPages } from "../shared/event-pages.js";
import { redacted } from "./redact-export.js";

/** Where the events of a turn are, with the indexes of the pages that contain them. */
interface TurnPages extends TurnSpan {
  pages: number[];
}

interface PageSpan {
  from: number;
  count: number;
  /** Turn of the first event. A new conversation with the same id has other turns. */
  turnId: string;
}

/**
 * Number of pages that are kept in memory. Most turns lie in one page or across two. A turn that waited for the turn before it may begin a
 * page earlier than that turn ends.
 */
const mostCached = 3;

interface ExportedLogParts {
  conversationId: string;
  /** The title that lists show, without secrets. Default: "". */
  title?: string;
  reader: EventReader;
  secrets: readonly string[];
}

/**
 * The events that an export of a conversation contains, without secrets and without turns that were taken back. They are read from the log
 * page by page. Only the positions of turns and pages are kept: about 200 bytes for each turn. Events that are stored after `open` are left
 * out.
 */
export class ExportedLog {
  readonly conversationId: string;
  readonly title: string;
  /** Ids of the conversations from which this one was copied. The direct source comes first, then the source of that copy, and so on. */
  readonly origins: readonly string[];
  readonly #parts: ExportedLogParts;
  readonly #pages: readonly PageSpan[];
  /** Turns in the order of their beginnings, without those that were taken back. */
  readonly #turns: ReadonlyMap<string, TurnPages>;
  readonly #cached = new Map<number, readonly StoredEvent[]>();

  /** Reads the conversation once, to find its turns. Rejects with StoreError and with errors of the reader. */
  static async open(parts: ExportedLogParts): Promise<ExportedLog> {
    const pages: PageSpan[] = [];
    const turns = new Map<string, TurnPages>();
    const rewinds: (RewindEvent & StoredEvent)[] = [];
    let origins: readonly string[] = [];
    for await (const events of eventPages(parts.reader, parts.conversationId)) {
      if (pages.length === 0 && events[0]?.type === "fork") origins = events[0].origins;
      for (const event of events) {
        if (event.type === "rewind") rewinds.push(event);
        if (!isOfNoTurn(event)) addPage(turns, event, pages.length);
      }
      const [{ seq, turnId } = { seq: 1, turnId: "" }] = events;
      pages.push({ from: seq, count: events.length, turnId });
    }
    for (const [turnId, turn] of turns) if (isRewound(turn, rewinds)) turns.delete(turnId);
    return new ExportedLog(parts, { pages, turns, origins });
  }

  private constructor(
    parts: ExportedLogParts,
    found: { pages: readonly PageSpan[]; turns: ReadonlyMap<string, TurnPages>; origins: readonly string[] },
  ) {
    this.#parts = parts;
    this.conversationId = parts.conversationId;
    this.title = parts.title ?? "";
    this.origins = found.origins;
    this.#pages = found.pages;
    this.#turns = found.turns;
  }

  /** Yields the events in order. Rejects with StoreError, and with RequestError `not_found` if the conversation was deleted meanwhile. */
  async *events(): AsyncGenerator<StoredEvent> {
    for (const index of this.#pages.keys()) {
      for (const event of await this.#page(index)) {
        if (event.type === "fork" || this.#turns.has(event.turnId)) yield event;
      }
    }
  }

  /** Yields the events of each turn, in the order in which the turns began. Rejects as `events` does. */
  async *turns(): AsyncGenerator<StoredEvent[]> {
    for (const [turnId, { pages }] of this.#turns) {
      const events: StoredEvent[] = [];
      for (const index of pages)
        addAll(
          events,
          (await this.#page(index)).filter((event) => event.turnId === turnId),
        );
      yield events;
    }
  }

  async #page(index: number): Promise<readonly StoredEvent[]> {
    const known = this.#cached.get(index);
    if (known) return known;
    const { conversationId, reader, secrets } = this.#parts;
    const { from = 1, count = 0, turnId = "" } = this.#pages[index] ?? {};
    const read = await reader.read(conversationId, from, count);
    if (read.length !== count || read[0]?.turnId !== turnId) {
      throw new RequestError("not_found", `the conversation ${conversationId} was deleted`);
    }
    const events = await redacted(read, secrets);
    this.#cached.set(index, events);
    const [oldest = index] = this.#cached.keys();
    if (this.#cached.size > mostCached) this.#cached.delete(oldest);
    return events;
  }
}

function addPage(turns: Map<string, TurnPages>, { turnId, seq }: StoredEvent, page: number): void {
  const turn = turns.get(turnId);
  if (!turn) {
    turns.set(turnId, { first: seq, last: seq, pages: [page] });
    return;
  }
  turn.last = seq;
  if (turn.pages.at(-1) !== page) turn.pages.push(page);
}
