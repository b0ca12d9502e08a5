import type {
  ChatStore,
  CheckpointStore,
  Claim,
  ConversationPage,
  ConversationQuery,
  TurnRequest,
} from "../../core/chat-store.js";
import type { ChatEvent, StoredEvent, UserMessageEvent } from "../../core/events.js";
import type { TurnGrant } from "../../core/turn-leases.js";
import type { Period, SpentTotals } from "../../core/usage-store.js";
import { isInMessages } from "../shared/conversation-facts.js";
import { fenced, requireSameEvents } from "../shared/fencing.js";
import { throwChanged } from "../shared/repeated-requests.js";
import { eventWritten } from "../shared/stored-event.js";
import { isOver, stateAfter } from "../shared/turn-state.js";
import { putCheckpoint, readCheckpoint } from "../sql/common-statements.js";
import { conversationQueries, type PageRow, pageFrom } from "../sql/conversation-statements.js";
import type { TurnEventRow } from "../sql/usage-reports.js";
import { someShard, spentOfPeriod, spentValues } from "../sql/usage-table.js";
import { PostgresArchive } from "./archive.js";
import type { Database, Statement } from "./connection/database.js";
import type { Listener } from "./connection/listener.js";
import type { PostgresBus } from "./deltas.js";
import { type EventRow, eventsOf, toEvent } from "./event-table.js";
import type { NoticeSeal } from "./notice-seal.js";
import { Notices } from "./notices.js";
import { claimedLease, RequestClaims } from "./request-claims.js";
import { PostgresResults } from "./results.js";
import * as statements from "./statements.js";
import { PostgresTurns } from "./turns.js";
import { eventsOfTurn, PostgresUsage, usageCounted } from "./usage-counters.js";

export interface PostgresStoreParts {
  database: Database;
  /** Connections that are used only for heartbeats. */
  beats: Database;
  listener: Listener;
  /** The bus for live events. Undefined if LISTEN is not available. */
  live: PostgresBus | undefined;
  seal: NoticeSeal;
  /** Name that identifies this process in the announcements of its writes. */
  origin: string;
  now: () => number;
  onLogTime?: (time: number) => void;
}

/** The event log in a database that many hosts share. */
export class PostgresStore implements ChatStore {
  readonly turns: PostgresTurns;
  readonly results: PostgresResults;
  readonly archive: PostgresArchive;
  readonly usage: PostgresUsage;
  readonly checkpoints: PostgresCheckpoints;
  readonly live: PostgresBus | undefined;
  readonly #parts: PostgresStoreParts;
  readonly #notices: Notices;
  readonly #claims: RequestClaims;
  readonly now: () => number;
  /**
   * The last write of this process to each conversation. Each write waits for the previous one, so that events are stored in the order of
   * the calls.
   */
  readonly #writing = new Map<string, Promise<unknown>>();

  constructor(parts: PostgresStoreParts) {
    const { database, beats, listener, live, seal, origin, now, onLogTime } = parts;
    this.#parts = parts;
    this.live = live;
    this.now = now;
    this.#notices = new Notices({ database, listener, seal, origin });
    this.#claims = new RequestClaims(database, this.#notices);
    this.turns = new PostgresTurns(database, beats, this.#notices, onLogTime);
    this.results = new PostgresResults(database, now);
    this.checkpoints = new PostgresCheckpoints(database);
    this.archive = new PostgresArchive(database, this.#notices, now);
    this.usage = new PostgresUsage(database);
  }

  claim(conversationId: string, event: UserMessageEvent, request: TurnRequest): Promise<Claim> {
    return this.#inOrder(conversationId, async () => {
      const at = this.now();
      const turn = { conversationId, turnId: event.turnId, requestId: event.requestId, request };
      const made = await this.#claims.make(turn, event, at);
      if (made.seq !== null) {
        const first = eventWritten(event, { seq: made.seq, at });
        const lease = made.fence === null ? {} : { lease: claimedLease(made.fence, request) };
        return { created: true, turnId: event.turnId, ended: false, events: [first], ...lease };
      }
      const turnId = made.turn_id ?? throwChanged(conversationId);
      const events = await this.#claims.repeat({ ...turn, turnId }, event);
      return { created: false, turnId, ended: isOver(events.at(-1)), events };
    });
  }

  appendAll(conversationId: string, events: readonly ChatEvent[], grant: TurnGrant): Promise<StoredEvent[]> {
    return this.#inOrder(conversationId, async () => {
      const last = events.at(-1) as ChatEvent;
      const { turnId } = last;
      const state = stateAfter(last);
      const at = this.now();
      const payloads = events.map((event) => JSON.stringify(event));
      const types = events.map(({ type }) => type);
      const spent = spentValues(events, at, someShard()) ?? Array(6).fill(null);
      const values = [conversationId, turnId, types, payloads, at, grant.position, grant.fence, ...spent];
      const written = await this.#written(conversationId, events, { values, state });
      this.#notices.tell(conversationId);
      if (written.length === 0) throw fenced(turnId);
      if (written[0]?.payload !== null) {
        const there = written.map((row) => toEvent(row as EventRow));
        return requireSameEvents(there, events);
      }
      return written.map(({ seq }, index) => toEvent({ seq, at, payload: payloads[index] as string }));
    });
  }

  async read(conversationId: string, from = 1, most?: number): Promise<StoredEvent[]> {
    if (from > mostSeq) return [];
    if (most === undefined) return this.#events(eventsOf.from, conversationId, from);
    return this.#events(eventsOf.pageFrom, conversationId, from, most);
  }

  async readBefore(conversationId: string, before: number, most: number): Promise<StoredEvent[]> {
    const events = await this.#events(eventsOf.pageBefore, conversationId, Math.min(before, mostSeq), most);
    return events.reverse();
  }

  async conversations(query: ConversationQuery): Promise<ConversationPage> {
    const rows = ({ sql, values }: { sql: string; values: readonly unknown[] }) =>
      this.#parts.database.read<PageRow>(sql, values);
    const { page, search } = conversationQueries.postgres;
    if (!query.text || !isInMessages(query.text)) return pageFrom(await rows(page(query)), query);
    const [recent, found] = search(query);
    const latest = await rows(recent);
    return pageFrom(latest.length > query.most ? latest : await rows(found), query);
  }

  async spent({ since, until }: Period): Promise<SpentTotals> {
    const [row] = await this.#parts.database.read<SpentTotals>(spentOfPeriod("$1", "$2"), [since, until]);
    return row as SpentTotals;
  }

  check(): Promise<{ isReadOnly: boolean }> {
    return this.#parts.database.check();
  }

  async isDue(task: string, everyMs: number): Promise<boolean> {
    const rows = await this.#parts.database.rows("write", "once", statements.begin, [task, everyMs]);
    return rows.length > 0;
  }

  async close(): Promise<void> {
    await this.#notices.close();
    this.live?.close();
    await Promise.all([this.#parts.listener.close(), this.#parts.beats.close(), this.#parts.database.close()]);
  }

  /** Appends the events, and counts the usage of a turn that they end. `values`: those of `statements.append`. */
  async #written(
    conversationId: string,
    events: readonly ChatEvent[],
    { values, state }: { values: readonly unknown[]; state: string | undefined },
  ): Promise<statements.AppendRow[]> {
    const { database } = this.#parts;
    if (!state && !needsLock(events)) return database.rows("write", "idempotent", statements.append, values);
    const [turnId] = events.map((event) => event.turnId);
    const append: Statement = state ? [statements.appendEnd, [...values, state]] : [statements.append, values];
    const sent = state && turnId ? [append, eventsOfTurn(conversationId, turnId)] : [append];
    const count = (rows: readonly object[][]) => usageCounted(conversationId, (rows[1] ?? []) as TurnEventRow[]);
    const [written = []] = await database.inConversation("idempotent", conversationId, sent, state ? count : undefined);
    return written as statements.AppendRow[];
  }

  async #events(query: string, ...values: (string | number | null)[]): Promise<StoredEvent[]> {
    const rows = await this.#parts.database.read<EventRow>(query, values);
    return rows.map(toEvent);
  }

  #inOrder<T>(conversationId: string, work: () => Promise<T>): Promise<T> {
    const before = this.#writing.get(conversationId) ?? Promise.resolve();
    const result = before.then(work);
    const done = result
      .catch(() => {})
      .then(() => {
        if (this.#writing.get(conversationId) === done) this.#writing.delete(conversationId);
      });
    this.#writing.set(conversationId, done);
    return result;
  }
}

/**
 * True if the events must be stored under the conversation's lock: the end of a turn and an answer exclude mail for the turn, see
 * `PostgresTurns.send`. All other events need no lock: their turn is running, so that no other work on the conversation begins, and if a
 * request is stored at the same `seq`, one of the two is repeated.
 */
function needsLock(events: readonly ChatEvent[]): boolean {
  return events.some((event) => event.type === "answer" || stateAfter(event) !== undefined);
}

const mostSeq = 2 ** 31 - 1;

class PostgresCheckpoints implements CheckpointStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async put(conversationId: string, checkpoint: string): Promise<void> {
    await this.#database.rows("write", "idempotent", putCheckpoint("$1", "$2"), [conversationId, checkpoint]);
  }

  async read(conversationId: string): Promise<string | undefined> {
    const rows = await this.#database.read<{ checkpoint: string }>(readCheckpoint("$1"), [conversationId]);
    return rows[0]?.checkpoint;
  }
}
