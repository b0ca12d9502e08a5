import type { TurnRequest } from "../../core/chat-store.js";
import type { StoredEvent, UserMessageEvent } from "../../core/events.js";
import { isOfSingleCall } from "../../core/ids.js";
import type { TurnLease, TurnName } from "../../core/turn-leases.js";
import { splitCall } from "../shared/call-history.js";
import { jsonCopy } from "../shared/json-copy.js";
import { requireSameContent } from "../shared/repeated-requests.js";
import { isOver } from "../shared/turn-state.js";
import { keepHistory, keepLastMessage } from "./call-histories.js";
import { type Database, lock } from "./connection/database.js";
import { type EventRow, eventsOf, toEvent, valuesOf } from "./event-table.js";
import type { Notices } from "./notices.js";
import * as statements from "./statements.js";

/** A turn to be queued, for the first time or again. */
export interface ClaimedTurn extends TurnName {
  request: TurnRequest;
}

/** Stores requests together with their turns. Every method rejects with StoreError. */
export class RequestClaims {
  readonly #database: Database;
  readonly #notices: Notices;

  constructor(database: Database, notices: Notices) {
    this.#database = database;
    this.#notices = notices;
  }

  /** Stores the message and queues its turn. The history of a single API call is stored as rows, see `call-histories.ts`. */
  async make(turn: ClaimedTurn, event: UserMessageEvent, at: number): Promise<statements.ClaimRow> {
    const { conversationId, turnId, request } = turn;
    const acquires = request.acquires === true && request.nodeId !== undefined;
    const queueValues = [...this.#queueValues(turn), request.continues ?? null, acquires];
    const claim = (stored: UserMessageEvent) => {
      const values = valuesOf(conversationId, stored, at, 1).slice(0, 6);
      return [statements.claim, [...values, ...queueValues]] as const;
    };
    // A message that continues an event is not the first of its conversation, and it may be refused after its history has been stored.
    const isFirst = isOfSingleCall(conversationId) && request.continues === undefined;
    const call = isFirst ? splitCall(event) : undefined;
    const keepLast = (parent: number) => [keepLastMessage, [conversationId, turnId, parent, call?.lastHash]] as const;
    if (!call || call.earlier.length === 0) {
      const sent = [claim(event), ...(call ? [keepLast(0)] : [])];
      const [rows] = await this.#database.inConversation("idempotent", conversationId, sent);
      return rows?.[0] as statements.ClaimRow;
    }
    return this.#database.transaction("idempotent", async (client) => {
      const locked = lock(client, conversationId);
      const [parent] = await Promise.all([keepHistory(client, conversationId, call), locked]);
      const sent = parent === undefined ? [claim(event)] : [claim(call.stored), keepLast(parent)];
      const [claimed] = await Promise.all(sent.map(([sql, values]) => client.query(sql, [...values])));
      return claimed?.rows[0] as statements.ClaimRow;
    });
  }

  /**
   * Resolves with the events of the turn that has this message, and queues the turn again if it has failed. Also queues a turn that has no
   * row because it was copied with its conversation. The conversation's lock keeps the turn from ending between the two statements: the row of a
   * turn that has ended is soon deleted, so the turn would be queued and run again.
   */
  repeat(turn: ClaimedTurn, message: UserMessageEvent): Promise<StoredEvent[]> {
    const { conversationId, turnId, requestId } = turn;
    const names = [conversationId, turnId, requestId];
    return this.#database.transaction("idempotent", async (client) => {
      const locked = lock(client, conversationId);
      const [{ rows }] = await Promise.all([client.query<EventRow>(eventsOf.turn, names), locked]);
      const events = rows.map(toEvent);
      requireSameContent(message, events[0]);
      if (!isOver(events.at(-1))) await client.query(statements.reopen, [...names, ...this.#queueValues(turn)]);
      return events;
    });
  }

  #queueValues({ conversationId, request: { nodeId, workspace, folder, options } }: ClaimedTurn): (string | null)[] {
    // Hosts on a database resume turns of any folder, so the folder that lists show can stand in for the workspace.
    return [
      nodeId ?? null,
      folder ?? workspace,
      JSON.stringify(options ?? null),
      this.#notices.payload(conversationId),
    ];
  }
}

/** Returns the lease of a new turn. The options are those that the turn's next owner would read. */
export function claimedLease(fence: number, { options }: TurnRequest): TurnLease {
  return { fence, crashes: 0, options: jsonCopy(options ?? null) };
}
