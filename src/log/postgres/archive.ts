import type pg from "pg";
import type { Archive, ConversationLabel, ExpiryRule, StoredVersion } from "../../core/chat-store.js";
import { RequestError } from "../../core/errors.js";
import type { ChatEvent, StoredEvent, TitleEvent } from "../../core/events.js";
import { isOfSingleCall } from "../../core/ids.js";
import { conversationFacts, lowerTitle, searchedTexts } from "../shared/conversation-facts.js";
import { changedInCopy } from "../shared/copied-events.js";
import { type VersionMarkRow, versionOf } from "../shared/stored-version.js";
import { throwOwned, throwUnfinished } from "../shared/turn-state.js";
import { isUnfinished, unfinished, withNode } from "../sql/common-statements.js";
import {
  claimTitle,
  conversationQueries,
  copying,
  copyTitles,
  isOfVersions,
  joinVersions,
  storedTitle,
} from "../sql/conversation-statements.js";
import { addSpentTotals, someShard, spentValues } from "../sql/usage-table.js";
import { releaseHistory } from "./call-histories.js";
import { type Database, lock } from "./connection/database.js";
import { eventsFrom, insertEvent, toEvent, valuesOf } from "./event-table.js";
import type { Notices } from "./notices.js";
import { notify, originsOf } from "./statements.js";
import { oneCounted, removeUsage } from "./usage-counters.js";

export class PostgresArchive implements Archive {
  readonly #database: Database;
  readonly #notices: Notices;
  readonly #now: () => number;

  constructor(database: Database, notices: Notices, now: () => number) {
    this.#database = database;
    this.#notices = notices;
    this.#now = now;
  }

  async unfinished() {
    const rows = await this.#database.rows<{ conversationId: string; nodeId: string | null }>(
      "read",
      "idempotent",
      unfinished,
    );
    return rows.map(withNode);
  }

  amend(conversationId: string, decide: (events: readonly StoredEvent[]) => ChatEvent): Promise<StoredEvent> {
    return this.#alone([conversationId], async (client) => {
      if (await has(client, conversationId, isUnfinished)) throwUnfinished(conversationId);
      return this.#insert(client, conversationId, decide(await eventsFrom(client, conversationId)));
    });
  }

  copy(
    conversationId: string,
    to: string,
    decide: (events: readonly StoredEvent[]) => { first: ChatEvent; seqs: readonly number[] },
    isVersion = false,
  ): Promise<void> {
    return this.#alone([conversationId, to], async (client) => {
      if ((await lastSeq(client, to)) > 0) throw new RequestError("usage", `there is already a conversation ${to}`);
      const events = await eventsFrom(client, conversationId);
      const { first, seqs } = decide(events);
      await this.#insert(client, to, first);
      const changed = changedInCopy(events, seqs);
      await client.query("SELECT set_config($1, 'on', true)", [copying]);
      await client.query(
        `INSERT INTO events (conversation_id, seq, turn_id, type, request_id, payload, at, position)
         SELECT $2, copied.place + 1, turn_id, type, request_id, coalesce(changed.payload, events.payload), at, position
         FROM unnest($3::integer[]) WITH ORDINALITY AS copied (seq, place) JOIN events USING (seq)
         LEFT JOIN unnest($4::integer[], $5::text[]) AS changed (seq, payload) USING (seq)
         WHERE conversation_id = $1 ORDER BY copied.place`,
        [conversationId, to, [...seqs], changed.map(([seq]) => seq), changed.map(([, copy]) => JSON.stringify(copy))],
      );
      const all = new Set(seqs);
      const copied = events.filter(({ seq }) => all.has(seq));
      const { title, turns } = conversationFacts(copied);
      await client.query(
        // The original counts the usage of the copied events.
        `UPDATE conversations SET title = $2, title_lower = $3, turns = $4, counted = $5,
           family = coalesce((SELECT family FROM conversations WHERE conversation_id = $6), $6) WHERE conversation_id = $1`,
        [to, title, title && lowerTitle(title), turns, seqs.length + 1, conversationId],
      );
      if (isVersion) for (const sql of joinVersions("$1", "$2")) await client.query(sql, [conversationId, to]);
      if (isVersion || seqs.length > 0) await client.query(copyTitles("$1", "$2"), [conversationId, to]);
      if (isOfSingleCall(to)) return;
      await client.query(retitle, [[to]]);
      const texts = searchedTexts(copied.map((event, index) => ({ ...event, seq: index + 2 })));
      await client.query(
        "INSERT INTO searched SELECT $1, seq, text FROM unnest($2::integer[], $3::text[]) AS found (seq, text) ON CONFLICT DO NOTHING",
        [to, [...texts.keys()], [...texts.values()]],
      );
    });
  }

  async versions(conversationId: string): Promise<StoredVersion[]> {
    const { versions: sql } = conversationQueries.postgres;
    const versions = await this.#database.read<Omit<StoredVersion, "marks">>(sql, [conversationId]);
    const marks = (id: string) =>
      this.#database.read<VersionMarkRow>(
        `SELECT seq, turn_id AS "turnId", CASE type WHEN 'rewind' THEN payload END AS rewind
         FROM events WHERE conversation_id = $1 AND type IN ('user_message', 'rewind') ORDER BY seq`,
        [id],
      );
    return Promise.all(versions.map(async (version) => versionOf(version, await marks(version.conversationId))));
  }

  label(conversationId: string, { title, pinned }: ConversationLabel): Promise<boolean> {
    return this.#alone([conversationId], async (client) => {
      const { rows } = await client.query<{ id: string }>(
        `UPDATE conversations SET own_title = CASE WHEN $2 THEN $3 ELSE own_title END, pinned = coalesce($4, pinned)
         WHERE ${isOfVersions("$1")} RETURNING conversation_id AS id`,
        [conversationId, title !== undefined, title ?? null, pinned === undefined ? null : Number(pinned)],
      );
      const ids = rows.map(({ id }) => id);
      if (title !== undefined) await client.query(retitle, [ids.filter((id) => !isOfSingleCall(id))]);
      for (const id of ids) await client.query(notify, [this.#notices.payload(id)]);
      return ids.length > 0;
    });
  }

  async claimTitle(conversationId: string, turnId: string): Promise<boolean> {
    const claim = `${claimTitle("$1", "$2")} RETURNING 1`;
    return (await this.#database.rows("write", "once", claim, [conversationId, turnId])).length > 0;
  }

  addTitle(conversationId: string, event: TitleEvent): Promise<void> {
    return this.#alone([conversationId], async (client) => {
      const title = "UPDATE conversations SET model_title = $2 WHERE conversation_id = $1";
      const { rowCount } = await client.query(title, [conversationId, event.title || null]);
      if (rowCount === 0) return;
      // The trigger of `events` moves a conversation to the top of lists only for an event without a position.
      const stored = await this.#insert(client, conversationId, event, 0);
      const spent = spentValues([event], stored.at, someShard());
      if (spent) await client.query(addSpentTotals("VALUES ($1, $2, $3, $4, $5, $6)"), [...spent]);
      const [sql, values] = oneCounted(conversationId, stored);
      await client.query(sql, [...values]);
      if (event.title && !isOfSingleCall(conversationId)) await client.query(retitle, [[conversationId]]);
    });
  }

  async delete(conversationId: string): Promise<string[]> {
    const others = await this.#database.read<{ id: string }>(
      `SELECT conversation_id AS id FROM conversations WHERE ${isOfVersions("$1")}`,
      [conversationId],
    );
    const ids = [...new Set([conversationId, ...others.map(({ id }) => id)])];
    return this.#alone(ids, async (client) => {
      const deleted: string[] = [];
      for (const id of ids) {
        await lockTurns(client, id);
        if (await has(client, id, `${isUnfinished} AND node_id IS NOT NULL`)) throwOwned(id);
      }
      for (const id of ids) if (await this.#delete(client, id)) deleted.push(id);
      return deleted;
    });
  }

  expire(conversationId: string, last: number): Promise<boolean> {
    return this.#alone([conversationId], async (client) => {
      if ((await lastSeq(client, conversationId)) !== last) return false;
      return !(await has(client, conversationId, isUnfinished)) && this.#delete(client, conversationId);
    });
  }

  expiring(rule: ExpiryRule, part: { most: number; skip: number }) {
    const { sql, values } = conversationQueries.postgres.expiring(rule, part);
    return this.#database.read<{ conversationId: string; lastSeq: number }>(sql, values);
  }

  async recentlyChanged(most: number): Promise<string[]> {
    const rows = await this.#database.read<{ id: string }>(conversationQueries.postgres.recentlyChanged, [most]);
    return rows.map(({ id }) => id);
  }

  async lastChange(): Promise<number> {
    const [row] = await this.#database.read<{ at: number }>(conversationQueries.postgres.lastChange);
    return row?.at ?? 0;
  }

  async #insert(
    client: pg.ClientBase,
    conversationId: string,
    event: ChatEvent,
    position: number | null = null,
  ): Promise<StoredEvent> {
    const values = valuesOf(conversationId, event, this.#now(), position);
    const { rows } = await client.query<{ seq: number }>(insertEvent, values);
    await client.query(notify, [this.#notices.payload(conversationId)]);
    return toEvent({ seq: rows[0]?.seq ?? 0, payload: values[4], at: values[5] });
  }

  async #delete(client: pg.ClientBase, conversationId: string): Promise<boolean> {
    const forks = await client.query<{ origin: string }>(`${originsOf} AND fork.conversation_id = $1`, [
      conversationId,
    ]);
    await releaseHistory(client, conversationId);
    await removeUsage(client, conversationId);
    const events = await client.query("DELETE FROM events WHERE conversation_id = $1", [conversationId]);
    for (const table of ["turns", "mail"]) {
      await client.query(`DELETE FROM ${table} WHERE conversation_id = $1`, [conversationId]);
    }
    // A result is deleted only if its conversation and all copies of that conversation have been deleted.
    await client.query(
      `DELETE FROM results WHERE conversation_id = ANY($1)
       AND NOT EXISTS (SELECT FROM events WHERE events.conversation_id = results.conversation_id)
       AND conversation_id NOT IN (${originsOf})`,
      [[conversationId, ...forks.rows.map(({ origin }) => origin)]],
    );
    await client.query(notify, [this.#notices.payload(conversationId)]);
    return (events.rowCount ?? 0) > 0;
  }

  /** Runs `work` while it holds the locks of these conversations. All callers take locks in the same order, so that no deadlock occurs. */
  #alone<T>(conversationIds: readonly string[], work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    return this.#database.transaction("once", async (client) => {
      for (const conversationId of conversationIds.toSorted()) await lock(client, conversationId);
      return work(client);
    });
  }
}

/** Makes a search find conversations by the title that lists show. Parameter: their ids. */
const retitle = `WITH shown AS (
    UPDATE conversations SET title_lower = lower_title(${storedTitle}) WHERE conversation_id = ANY($1) RETURNING conversation_id, title_lower
  ), gone AS (DELETE FROM searched USING shown WHERE searched.conversation_id = shown.conversation_id AND seq = 0 AND coalesce(title_lower, '') = '')
  INSERT INTO searched SELECT conversation_id, 0, title_lower FROM shown WHERE title_lower <> ''
  ON CONFLICT (conversation_id, seq) DO UPDATE SET text = excluded.text`;

async function has(client: pg.ClientBase, conversationId: string, turns: string): Promise<boolean> {
  const found = await client.query(`SELECT FROM turns WHERE conversation_id = $1 AND ${turns} LIMIT 1`, [
    conversationId,
  ]);
  return found.rowCount === 1;
}

/**
 * Locks the turns of the conversation until the end of the transaction. A host that takes one over does not hold the conversation's lock, and
 * would otherwise go on in a conversation that is being deleted.
 */
async function lockTurns(client: pg.ClientBase, conversationId: string): Promise<void> {
  await client.query("SELECT FROM turns WHERE conversation_id = $1 FOR UPDATE", [conversationId]);
}

/** Returns the last `seq` of the conversation, or 0 if there is no such conversation. */
async function lastSeq(client: pg.ClientBase, conversationId: string): Promise<number> {
  const query = "SELECT coalesce(max(seq), 0) AS seq FROM events WHERE conversation_id = $1";
  return (await client.query<{ seq: number }>(query, [conversationId])).rows[0]?.seq ?? 0;
}
