import type { Archive, ConversationLabel, ExpiryRule, StoredVersion } from "../../core/chat-store.js";
import { RequestError } from "../../core/errors.js";
import type { ChatEvent, StoredEvent, TitleEvent } from "../../core/events.js";
import { conversationFacts, lowerTitle, searchedTexts } from "../shared/conversation-facts.js";
import { changedInCopy } from "../shared/copied-events.js";
import { type VersionMarkRow, versionOf } from "../shared/stored-version.js";
import { throwOwned, throwUnfinished } from "../shared/turn-state.js";
import { isFork, isUnfinished, unfinished, withNode } from "../sql/common-statements.js";
import {
  claimTitle,
  conversationQueries,
  copyTitles,
  isOfVersions,
  joinVersions,
} from "../sql/conversation-statements.js";
import { idOf, numberOf, seqOf, withinRange } from "../sql/sqlite-ids.js";
import { addSpentTotals, spentValues } from "../sql/usage-table.js";
import type { Connection } from "./connection.js";
import { payloadOf, type SqliteEvents, storedRequestId } from "./event-table.js";
import type { FileAccess } from "./file-access.js";
import type { SqliteHistories } from "./history-table.js";
import type { LogReader } from "./reader.js";
import type { SqliteUsage } from "./usage-counters.js";

interface SqliteArchiveParts {
  events: SqliteEvents;
  histories: SqliteHistories;
  views: LogReader;
  usage: SqliteUsage;
  access: FileAccess;
}

/** Operations on whole conversations in the file. Deleting frees pages in the file for later events, but does not shrink the file. */
export class SqliteArchive implements Archive {
  readonly #db: Connection;
  readonly #access: FileAccess;
  readonly #events: SqliteEvents;
  readonly #histories: SqliteHistories;
  readonly #views: LogReader;
  readonly #usage: SqliteUsage;

  constructor(db: Connection, { events, histories, views, usage, access }: SqliteArchiveParts) {
    this.#db = db;
    this.#usage = usage;
    this.#events = events;
    this.#histories = histories;
    this.#views = views;
    this.#access = access;
  }

  async unfinished() {
    return this.#access.read(() => {
      const rows = this.#db.prepare(unfinished).all() as { conversationId: string; nodeId: string | null }[];
      return rows.map(withNode);
    });
  }

  async amend(conversationId: string, decide: (events: readonly StoredEvent[]) => ChatEvent): Promise<StoredEvent> {
    return this.#access.transaction(() => {
      if (this.#has(conversationId, isUnfinished)) throwUnfinished(conversationId);
      const events = this.#events.from(conversationId, 1);
      const amended = this.#events.insert(conversationId, decide(events));
      const all = [...events, amended];
      const { turns } = conversationFacts(all);
      this.#db.prepare("UPDATE conversations SET turns = ? WHERE conversation_id = ?").run(turns, conversationId);
      if (amended.type === "rewind") this.#events.replaceSearched(conversationId, searchedTexts(all));
      return amended;
    });
  }

  async copy(
    conversationId: string,
    to: string,
    decide: (events: readonly StoredEvent[]) => { first: ChatEvent; seqs: readonly number[] },
    isVersion = false,
  ): Promise<void> {
    return this.#access.transaction(() => {
      if (this.#lastSeq(to) > 0) throw new RequestError("usage", `there is already a conversation ${to}`);
      const events = this.#events.from(conversationId, 1);
      const { first, seqs } = decide(events);
      this.#events.insert(to, first);
      const all = new Set(seqs);
      const copied = events.filter((event) => all.has(event.seq));
      const { title, turns } = conversationFacts(copied);
      // The original counts the usage of the copied events.
      this.#db
        .prepare(
          `UPDATE conversations SET title = ?2, title_lower = ?3, turns = ?4, counted = ?5,
             family = coalesce((SELECT family FROM conversations WHERE conversation_id = ?6), ?6) WHERE conversation_id = ?1`,
        )
        .run(to, title, title && lowerTitle(title), turns, seqs.length + 1, conversationId);
      if (isVersion) for (const sql of joinVersions("?1", "?2")) this.#db.prepare(sql).run(conversationId, to);
      if (isVersion || seqs.length > 0) this.#db.prepare(copyTitles("?1", "?2")).run(conversationId, to);
      this.#events.retitle(to);
      this.#insertCopies(conversationId, to, seqs, events);
      this.#events.replaceSearched(to, searchedTexts(copied.map((event, index) => ({ ...event, seq: index + 2 }))));
    });
  }

  async versions(conversationId: string): Promise<StoredVersion[]> {
    const { versions: sql } = conversationQueries.sqlite;
    const versions = await this.#views.rows<Omit<StoredVersion, "marks">>(sql, [conversationId]);
    const marks = (id: string) =>
      this.#views.rows<VersionMarkRow>(
        `SELECT ${seqOf()} AS seq, turn_id AS "turnId", CASE type WHEN 'rewind' THEN payload END AS rewind
         FROM entries WHERE ${withinRange(numberOf("?1"))} AND type IN ('user_message', 'rewind') ORDER BY id`,
        [id],
      );
    return Promise.all(versions.map(async (version) => versionOf(version, await marks(version.conversationId))));
  }

  async label(conversationId: string, { title, pinned }: ConversationLabel): Promise<boolean> {
    return this.#access.transaction(() => {
      const labelled = this.#db
        .prepare(
          `UPDATE conversations SET own_title = CASE WHEN ?2 THEN ?3 ELSE own_title END, pinned = coalesce(?4, pinned)
           WHERE ${isOfVersions("?1")} RETURNING conversation_id AS id`,
        )
        .all(conversationId, Number(title !== undefined), title ?? null, pinned === undefined ? null : Number(pinned));
      for (const { id } of labelled as { id: string }[]) if (title !== undefined) this.#events.retitle(id);
      return labelled.length > 0;
    });
  }

  async claimTitle(conversationId: string, turnId: string): Promise<boolean> {
    const claim = this.#db.prepare(claimTitle("?1", "?2"));
    return (await this.#access.write(() => claim.run(conversationId, turnId))).changes > 0;
  }

  async addTitle(conversationId: string, event: TitleEvent): Promise<void> {
    return this.#access.transaction(() => {
      const { changes } = this.#db
        .prepare("UPDATE conversations SET model_title = ?2 WHERE conversation_id = ?1")
        .run(conversationId, event.title || null);
      if (Number(changes) === 0) return;
      const stored = this.#events.insertBeside(conversationId, event);
      this.#usage.countOne(conversationId, stored);
      const spent = spentValues([event], stored.at, "");
      if (spent) this.#db.prepare(addSpentTotals("VALUES (?, ?, ?, ?, ?, ?)")).run(...spent);
      if (event.title) this.#events.retitle(conversationId);
    });
  }

  async delete(conversationId: string): Promise<string[]> {
    return this.#access.transaction(() => {
      const rows = this.#db
        .prepare(`SELECT conversation_id AS id FROM conversations WHERE ${isOfVersions("?1")}`)
        .all(conversationId) as { id: string }[];
      const ids = [...new Set([conversationId, ...rows.map(({ id }) => id)])];
      for (const id of ids) if (this.#has(id, `${isUnfinished} AND node_id IS NOT NULL`)) throwOwned(id);
      return ids.filter((id) => this.#delete(id));
    });
  }

  async expire(conversationId: string, lastSeq: number): Promise<boolean> {
    return this.#access.transaction(() => {
      if (this.#lastSeq(conversationId) !== lastSeq || this.#has(conversationId, isUnfinished)) return false;
      return this.#delete(conversationId);
    });
  }

  async expiring(rule: ExpiryRule, part: { most: number; skip: number }) {
    const { sql, values } = conversationQueries.sqlite.expiring(rule, part);
    return this.#views.rows<{ conversationId: string; lastSeq: number }>(sql, values);
  }

  async recentlyChanged(most: number): Promise<string[]> {
    const rows = this.#access.read(() => this.#db.prepare(conversationQueries.sqlite.recentlyChanged).all(most));
    return (rows as { id: string }[]).map(({ id }) => id);
  }

  async lastChange(): Promise<number> {
    const [row] = await this.#views.rows<{ at: number }>(conversationQueries.sqlite.lastChange);
    return row?.at ?? 0;
  }

  /** Copies the events with these `seq`, which become 2, 3, and so on. `events` are all events of the original. */
  #insertCopies(from: string, to: string, seqs: readonly number[], events: readonly StoredEvent[]): void {
    const changed = new Map(changedInCopy(events, seqs));
    const insert = this.#db.prepare(
      `INSERT INTO entries (id, turn_id, type, request_id, payload, at, position)
       SELECT ${idOf(numberOf("?2"), "?4")}, turn_id, type, ?6, coalesce(?5, payload), at, position FROM entries
       WHERE id = ${idOf(numberOf("?1"), "?3")}`,
    );
    for (const [index, seq] of seqs.entries()) {
      const copy = changed.get(seq);
      const requestId = storedRequestId(events[seq - 1] as StoredEvent, to);
      insert.all(from, to, seq, index + 2, copy ? payloadOf(copy) : null, requestId);
    }
  }

  #delete(conversationId: string): boolean {
    const origins = this.#db
      .prepare(`${originsOf} AND ${withinRange(numberOf("?1"), { row: "fork." })}`)
      .all(conversationId)
      .map((row) => (row as { origin: string }).origin);
    const existed = this.#lastSeq(conversationId) > 0;
    this.#events.removeSearched(conversationId);
    const known = this.#db
      .prepare("SELECT coalesce(family, conversation_id) AS family FROM conversations WHERE conversation_id = ?")
      .get(conversationId) as { family: string } | undefined;
    this.#histories.release(conversationId);
    this.#db.prepare(`DELETE FROM entries WHERE ${withinRange(numberOf("?1"))}`).all(conversationId);
    for (const table of ["conversations", "turns", "mail", "checkpoints"]) {
      this.#db.prepare(`DELETE FROM ${table} WHERE conversation_id = ?`).all(conversationId);
    }
    if (known) this.#usage.remove(conversationId, known.family);
    // A result is deleted only if its conversation and all copies of that conversation have been deleted.
    const unused = this.#db.prepare(
      `DELETE FROM results WHERE conversation_id = ?1
       AND NOT EXISTS (SELECT 1 FROM conversations WHERE conversation_id = ?1) AND ?1 NOT IN (${originsOf})`,
    );
    for (const id of [conversationId, ...origins]) unused.all(id);
    return existed;
  }

  #has(conversationId: string, turns: string): boolean {
    const found = this.#db.prepare(`SELECT 1 FROM turns WHERE conversation_id = ? AND ${turns} LIMIT 1`);
    return found.get(conversationId) !== undefined;
  }

  /** Returns the last `seq` of the conversation, or 0 if there is no such conversation. */
  #lastSeq(conversationId: string): number {
    const last = this.#db.prepare(
      `SELECT ${seqOf()} AS seq FROM entries WHERE ${withinRange(numberOf("?1"))} ORDER BY id DESC LIMIT 1`,
    );
    return (last.get(conversationId) as { seq: number } | undefined)?.seq ?? 0;
  }
}

/** SQL for the ids of all conversations that have been copied. */
const originsOf = `SELECT origin.value AS origin FROM entries AS fork, json_each(fork.payload, '$.origins') AS origin
  WHERE ${isFork("fork")}`;
