import type {
  Archive,
  ChatStore,
  Claim,
  ConversationPage,
  ConversationQuery,
  Period,
  ResultStore,
  Spending,
  SpentTotals,
  TurnRequest,
} from "../../core/chat-store.js";
import type { ChatEvent, StoredEvent, UserMessageEvent } from "../../core/events.js";
import type { Observe } from "../../core/ports.js";
import type { SharedLimits } from "../../core/shared-limits.js";
import type { HostProcess, NodePlaces, TurnGrant, TurnLeases, TurnName } from "../../core/turn-leases.js";
import { fenced, isOver, refuseFollowed, requireSameContent, same, stateAfter } from "../shared/claims.js";
import { isInMessages } from "../shared/conversation-facts.js";
import { SearchFill } from "../shared/search-fill.js";
import { conversationQueries, type PageRow, pageFrom } from "../sql/conversation-statements.js";
import { usageStatements } from "../sql/usage-statements.js";
import { PostgresArchive } from "./archive.js";
import { type Database, lock } from "./connection/database.js";
import type { Listener } from "./connection/listener.js";
import type { PostgresBus } from "./deltas.js";
import { type EventRow, eventsOf, insertEvent, toEvent, valuesOf } from "./event-table.js";
import { limitsTopic, PostgresLimits } from "./limits/database-limits.js";
import type { NoticeSeal } from "./notice-seal.js";
import { Notices } from "./notices.js";
import { PostgresResults } from "./results.js";
import { searchFillStep } from "./search-fill-step.js";
import * as statements from "./statements.js";
import { enqueue, PostgresTurns } from "./turns.js";
import { PostgresUsage } from "./usage-counters.js";

/** A turn to be queued, for the first time or again. */
interface ClaimedTurn extends TurnName {
  request: TurnRequest;
}

/** Time, in ms, between two steps of `SearchFill`. A step takes about as long. */
const fillPauseMs = 50;

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
  heard?: (time: number) => void;
  observe: Observe;
}

/** The event log in a database that many hosts share. */
export class PostgresStore implements ChatStore {
  readonly turns: TurnLeases;
  readonly results: ResultStore;
  readonly archive: Archive;
  readonly usage: PostgresUsage;
  readonly live: PostgresBus | undefined;
  readonly #database: Database;
  readonly #beats: Database;
  readonly #listener: Listener;
  readonly #seal: NoticeSeal;
  readonly #notices: Notices;
  readonly #fill: SearchFill;
  readonly now: () => number;
  /**
   * The last write of this process to each conversation. Each write waits for the previous one, so that events are stored in the order of
   * the calls.
   */
  readonly #writing = new Map<string, Promise<unknown>>();

  constructor({ database, beats, listener, live, seal, origin, now, heard, observe }: PostgresStoreParts) {
    this.#database = database;
    this.#beats = beats;
    this.#listener = listener;
    this.live = live;
    this.#seal = seal;
    this.now = now;
    this.#notices = new Notices({ database, listener, seal, origin });
    this.turns = new PostgresTurns(database, beats, this.#notices, heard);
    this.results = new PostgresResults(database, now);
    this.#fill = new SearchFill({ step: searchFillStep(database), pauseMs: fillPauseMs, observe });
    this.archive = new PostgresArchive(database, this.#notices, now);
    this.usage = new PostgresUsage(database);
  }

  claim(conversationId: string, event: UserMessageEvent, request: TurnRequest): Promise<Claim> {
    return this.#inOrder(conversationId, async () => {
      const values = valuesOf(conversationId, event, this.now(), 1);
      const turn = { conversationId, turnId: event.turnId, requestId: event.requestId, request };
      const made = await this.#make(turn, [
        ...values.slice(0, 6),
        ...this.#queueValues(turn),
        request.continues ?? null,
      ]);
      if (made.seq !== null) {
        const first = toEvent({ seq: made.seq, payload: values[4], at: values[5] });
        return { created: true, turnId: event.turnId, ended: false, events: [first] };
      }
      const turnId = made.turn_id ?? refuseFollowed(conversationId);
      const events = await this.#events(eventsOf.turn, conversationId, turnId);
      requireSameContent(event, events[0]);
      const ended = isOver(events.at(-1));
      if (!ended) await this.#reopen({ ...turn, turnId });
      return { created: false, turnId, ended, events };
    });
  }

  async append(conversationId: string, event: ChatEvent, grant?: TurnGrant): Promise<StoredEvent> {
    if (grant) return (await this.appendAll(conversationId, [event], grant))[0] as StoredEvent;
    return this.#inOrder(conversationId, async () => {
      const values = valuesOf(conversationId, event, this.now());
      const [rows] = await this.#database.inConversation("once", conversationId, [[insertEvent, values]]);
      this.#notices.tell(conversationId);
      return toEvent({ payload: values[4], at: values[5], seq: rows?.[0]?.seq });
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
      const values = [conversationId, turnId, types, payloads, at, grant.position, grant.fence];
      const statement = state
        ? ([statements.appendEnd, [...values, state]] as const)
        : ([statements.append, values] as const);
      const [rows] = await this.#database.inConversation("idempotent", conversationId, [statement]);
      this.#notices.tell(conversationId);
      const written = (rows ?? []) as statements.AppendRow[];
      if (written.length === 0) throw fenced(turnId);
      if (written[0]?.payload !== null) {
        const there = written.map((row) => toEvent(row as EventRow));
        return same(there, events);
      }
      return written.map(({ seq }, index) => toEvent({ seq, at, payload: payloads[index] as string }));
    });
  }

  async read(conversationId: string, from = 1, most?: number): Promise<StoredEvent[]> {
    return this.#events(eventsOf.from, conversationId, from, most ?? null);
  }

  async readBefore(conversationId: string, before: number, most: number): Promise<StoredEvent[]> {
    const events = await this.#events(eventsOf.before, conversationId, Math.min(before, mostSeq), most);
    return events.reverse();
  }

  async conversations(query: ConversationQuery): Promise<ConversationPage> {
    const rows = ({ sql, values }: { sql: string; values: readonly unknown[] }) =>
      this.#database.rows<PageRow>("read", "idempotent", sql, values);
    const { page, search } = conversationQueries.postgres;
    if (!query.text || !isInMessages(query.text) || !(await this.#isSearchFilled())) {
      return pageFrom(await rows(page(query)), query);
    }
    const [recent, found] = search(query);
    const latest = await rows(recent);
    return pageFrom(latest.length > query.most ? latest : await rows(found), query);
  }

  async spent({ since, until }: Period): Promise<SpentTotals> {
    const { spent } = usageStatements.postgres;
    const [row] = await this.#database.rows<SpentTotals>("read", "idempotent", spent, [since, until]);
    return row as SpentTotals;
  }

  spendings(since: number): Promise<Spending[]> {
    const { spendings } = usageStatements.postgres;
    return this.#database.rows("read", "idempotent", spendings, [since, Number.MAX_SAFE_INTEGER]);
  }

  limits(node: HostProcess, parts: { leaseMs: number; observe: Observe }): SharedLimits {
    const [database, listener] = [this.#database, this.#listener];
    const channel = this.#seal.secretChannel(limitsTopic);
    const beat = () => this.turns.beat(node);
    return new PostgresLimits({ ...parts, database, listener, channel, nodeId: node.nodeId, beat });
  }

  places(): Promise<NodePlaces[]> {
    const places = `SELECT node_id AS "nodeId", key_hash AS "keyHash", held AS places, waiting FROM limit_leases
      JOIN nodes USING (node_id) WHERE held > 0 OR waiting > 0 ORDER BY node_id, key_hash`;
    return this.#database.rows("read", "idempotent", places);
  }

  check(): Promise<void> {
    return this.#database.check();
  }

  async isDue(task: string, everyMs: number): Promise<boolean> {
    const rows = await this.#database.rows("write", "once", statements.begin, [task, everyMs]);
    return rows.length > 0;
  }

  async close(): Promise<void> {
    const filled = this.#fill.close();
    await this.#notices.close();
    this.live?.close();
    await Promise.all([this.#listener.close(), this.#beats.close(), this.#database.close(), filled]);
  }

  async #isSearchFilled(): Promise<boolean> {
    const { isSearchFilling } = conversationQueries.postgres;
    return (await this.#database.rows("read", "idempotent", isSearchFilling)).length === 0;
  }

  /**
   * Stores the message and queues its turn. If the request id is already known, nothing is stored: `seq` is null and `turn_id` is the turn
   * of that request. If the message came too late to continue an event, `turn_id` is null too.
   */
  async #make(turn: ClaimedTurn, values: readonly unknown[]): Promise<statements.ClaimRow> {
    const { conversationId, request } = turn;
    if (!request.enqueue) {
      const [rows] = await this.#database.inConversation("idempotent", conversationId, [[statements.claim, values]]);
      return rows?.[0] as statements.ClaimRow;
    }
    return this.#database.transaction("idempotent", async (client) => {
      const [, { rows }] = await Promise.all([
        lock(client, conversationId),
        client.query<statements.ClaimRow>(statements.claim, [...values]),
      ]);
      const [row] = rows as [statements.ClaimRow];
      const { place, fold } = row;
      if (place !== null && fold !== null) await request.enqueue?.(client, { ...turn, place, fold });
      return row;
    });
  }

  /** Queues a turn again if it has failed. Also queues a turn that has no row because it is older than turn leases. */
  async #reopen(turn: ClaimedTurn): Promise<void> {
    const { conversationId, turnId, requestId, request } = turn;
    const [node, workspace, options, notice] = this.#queueValues(turn);
    await this.#database.transaction("idempotent", async (client) => {
      const values = [conversationId, turnId, requestId, node, workspace, options];
      const reopened = client.query<{ place: number; fold: number }>(reopen, values);
      const [, { rows }] = await Promise.all([lock(client, conversationId), reopened]);
      const [row] = rows;
      if (!row) return;
      await client.query(statements.notify, [notice]);
      await request.enqueue?.(client, { ...turn, ...row });
    });
  }

  async #events(query: string, ...values: (string | number | null)[]): Promise<StoredEvent[]> {
    const rows = await this.#database.rows<EventRow>("read", "idempotent", query, values);
    return rows.map(toEvent);
  }

  #queueValues({ conversationId, request: { nodeId, workspace, options } }: ClaimedTurn): (string | null)[] {
    return [nodeId ?? null, workspace, JSON.stringify(options ?? null), this.#notices.payload(conversationId)];
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

/** Highest value of the column `seq`. */
const mostSeq = 2 ** 31 - 1;

const reopen = enqueue(["$1", "$2", "$3", "$4", "$5", "$6"]);
