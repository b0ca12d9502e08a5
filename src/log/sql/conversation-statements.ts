/**
 * Queries of the table `conversations`, for both databases. It has one row for each conversation, with the fields that lists show. A list then
 * reads only the rows that it shows, and no payloads. A row is written in the same transaction as the event that changes it: a message of the
 * user, the end of a turn, a rewind or a copy.
 *
 * - `touched` orders conversations by their last change, and is unique. Event times are not used for this, because clocks can be set back.
 *   In a file it is the time of the change or, if an earlier change has this time or a later one, one more than the highest value so far. On
 *   PostgreSQL it is the id of an event.
 * - `updated_at` is the time of the last change.
 * - `title` is the beginning of the first message, also after a rewind, and null as long as there is no message. `title_lower` is what a search looks at.
 *   Conversations of single calls have neither, because they are rarely shown and would grow by a tenth: their title is read from the message.
 * - `turns` is the number of turns that no rewind removed.
 * - `counted` and `family` are described in `usage-tables.ts`.
 */

import type { ConversationPage, ConversationQuery, ConversationSummary, ExpiryRule } from "../../core/chat-store.js";
import { singleCallPrefix } from "../../core/ids.js";
import { lowerTitle } from "../shared/conversation-facts.js";
import { numberIn, readable, seqOf, withinRange } from "./sqlite-ids.js";

/**
 * SQL condition: the conversation was not created for a single API call. It must be written exactly as in the partial index, so that the
 * databases use the index.
 */
export const isListed = `substr(conversation_id, 1, ${singleCallPrefix.length + 1}) <> '${singleCallPrefix}_'`;

/** The opposite of `isListed`, written as in another partial index. */
export const isSingleCall = `substr(conversation_id, 1, ${singleCallPrefix.length + 1}) = '${singleCallPrefix}_'`;

/** Setting of a transaction that copies a conversation: `on` keeps the trigger of `conversations` from writing a row for each copied event. */
export const copying = "mcp_platform.copying";

/**
 * SQL for the title of the row of `conversations`, from its first message. NULL if there is none. `title_of` takes a text as JSON, because
 * the driver cuts a text at a NUL character.
 */
const sqliteFirstTitle = `(SELECT title_of(coalesce((SELECT part.value -> '$.text'
    FROM json_each(${readable}, '$.content') AS part WHERE part.type = 'object' AND json_extract(part.value, '$.type') = 'text' LIMIT 1), '""'))
  FROM entries WHERE ${withinRange("conversations.number")} AND type = 'user_message' ORDER BY id LIMIT 1)`;
const postgresFirstTitle = `(SELECT conversation_title(payload) FROM events
  WHERE events.conversation_id = conversations.conversation_id AND type = 'user_message' ORDER BY seq LIMIT 1)`;

interface Query {
  sql: string;
  values: readonly (string | number)[];
}

interface ConversationDialect {
  parameter: (position: number) => string;
  /** Returns an SQL condition: `text` contains `part`. */
  contains: (text: string, part: string) => string;
  lastSeq: string;
  firstTitle: string;
  /** SQL for the texts by which a search finds the row of `conversations`. It is followed by a further condition. */
  searchedTexts: string;
  /** Returns an SQL condition: the index finds the row of `conversations` by a text that contains `part`. `parts` is what `partsOf` returns. */
  isFound: (parts: string, part: string) => string;
  /** Returns the parts of a text that the index can look up, as a value of a parameter. */
  partsOf: (text: string) => string;
}

/**
 * Number of the latest conversations that a search looks through without the index. What most conversations contain is found there, and the
 * index would return all of them. What few conversations contain is found by the index.
 */
const mostRecent = 1_000;
/** Longest beginning of a text that is looked up in the index, in characters. More would not make the result smaller. */
const mostParts = 64;

const sqlite: ConversationDialect = {
  parameter: (position) => `?${position}`,
  contains: (text, part) => `instr(${text}, ${part}) > 0`,
  lastSeq: `(SELECT ${seqOf()} FROM entries WHERE ${withinRange("conversations.number")} ORDER BY id DESC LIMIT 1)`,
  firstTitle: sqliteFirstTitle,
  searchedTexts: `SELECT 1 FROM searched WHERE ${withinRange("conversations.number", { column: "entry" })}`,
  isFound: (parts, part) => `number IN (SELECT ${numberIn("", "entry")} FROM searched
    WHERE id IN (SELECT rowid FROM search_index WHERE search_index MATCH ${parts}) AND instr(text, ${part}) > 0)`,
  partsOf(text) {
    const letters = [...text].slice(0, mostParts);
    const parts = letters.slice(2).map((_, index) => letters.slice(index, index + 3).join(""));
    return [...new Set(parts)].map((part) => `"${part.replaceAll('"', '""')}"`).join(" AND ");
  },
};

const postgres: ConversationDialect = {
  parameter: (position) => `$${position}`,
  contains: (text, part) => `strpos(${text}, ${part}) > 0`,
  lastSeq: "(SELECT max(seq) FROM events WHERE events.conversation_id = conversations.conversation_id)",
  firstTitle: postgresFirstTitle,
  searchedTexts: "SELECT 1 FROM searched WHERE searched.conversation_id = conversations.conversation_id",
  isFound: (parts, part) => `conversation_id IN (SELECT conversation_id FROM searched
    WHERE search_grams(text) @> search_grams(${parts}) AND strpos(text, ${part}) > 0)`,
  partsOf: (text) => [...text].slice(0, mostParts).join(""),
};

export type PageRow = ConversationSummary & { touched: number };

function queries({ parameter, contains, lastSeq, firstTitle, searchedTexts, isFound, partsOf }: ConversationDialect) {
  const named = `conversation_id AS "conversationId", ${lastSeq} AS "lastSeq"`;
  const title = `coalesce(title, CASE WHEN ${isSingleCall} THEN ${firstTitle} END, '') AS title`;
  const shown = `${named}, updated_at AS "updatedAt", ${title}, workspace, turns, touched`;
  /** Returns the values of a query, beginning with this one, and a function that adds a value and returns its parameter. */
  const valuesFrom = (first: number) => {
    const values: (string | number)[] = [first];
    return { values, value: (given: string | number) => parameter(values.push(given)) };
  };
  return {
    /** Returns a query whose rows `pageFrom` takes. It looks for the text in titles only. */
    page({ most, after, text, workspaces, includesSingleCalls }: ConversationQuery): Query {
      const { values, value } = valuesFrom(most + 1);
      const conditions = [
        ...(includesSingleCalls ? [] : [isListed]),
        ...(after === undefined ? [] : [`touched < ${value(after)}`]),
        ...(text ? [contains("title_lower", value(lowerTitle(text)))] : []),
        ...(workspaces ? [`workspace IN (${workspaces.map(value).join(", ")})`] : []),
      ];
      const where = conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : "";
      return { sql: `SELECT ${shown} FROM conversations ${where} ORDER BY touched DESC LIMIT ${parameter(1)}`, values };
    },
    /**
     * Returns two queries that look for the text in messages and titles. If the first one, which looks through the latest conversations, does
     * not return the page and one row more, the second one returns the page. Both leave out conversations of single calls.
     */
    search({ most, after, text = "", workspaces }: ConversationQuery): readonly [Query, Query] {
      const { values, value } = valuesFrom(most + 1);
      const part = value(lowerTitle(text));
      const before = after === undefined ? "" : `AND touched < ${value(after)}`;
      const inWorkspaces = workspaces ? `AND workspace IN (${workspaces.map(value).join(", ")})` : "";
      const latest = `(SELECT * FROM conversations WHERE ${isListed} ${before} ORDER BY touched DESC LIMIT ${mostRecent}) AS conversations`;
      const recent = `SELECT ${shown} FROM ${latest} WHERE EXISTS (${searchedTexts} AND ${contains("text", part)}) ${inWorkspaces}
        ORDER BY touched DESC LIMIT ${parameter(1)}`;
      const all = [...values, partsOf(lowerTitle(text))];
      // `+ 0` keeps the databases from reading all conversations in the order of their last change until enough of them are found.
      const found = `SELECT ${shown} FROM conversations WHERE ${isFound(parameter(all.length), part)} AND ${isListed} ${before} ${inWorkspaces}
        ORDER BY touched + 0 DESC LIMIT ${parameter(1)}`;
      return [
        { sql: recent, values },
        { sql: found, values: all },
      ];
    },
    expiring(rule: ExpiryRule, { most, skip }: { most: number; skip: number }): Query {
      const [limit, offset, third, fourth] = [1, 2, 3, 4].map(parameter);
      const part = `LIMIT ${limit} OFFSET ${offset}`;
      if (rule.beyond !== undefined) {
        const latest = `SELECT touched FROM conversations WHERE ${isListed} ORDER BY touched DESC LIMIT 1 OFFSET ${third}`;
        const sql = `SELECT ${named} FROM conversations WHERE ${isListed} AND touched <= (${latest}) ORDER BY touched ${part}`;
        return { sql, values: [most, skip, rule.beyond] };
      }
      // In a file, `touched` is a time, too: see above. On PostgreSQL it is a number that is smaller than any time. `+ 0` keeps
      // the databases from using indexes: the row of the inner query is among the oldest, and with nothing to delete that query does not run.
      const firstToStay = `SELECT touched FROM conversations WHERE updated_at + 0 BETWEEN ${third} AND ${fourth}
        OR touched + 0 BETWEEN ${third} AND ${fourth} ORDER BY touched LIMIT 1`;
      const sql = `SELECT ${named} FROM conversations
        WHERE updated_at < ${third} AND touched + 0 < coalesce((${firstToStay}), ${Number.MAX_SAFE_INTEGER})
        ${rule.isForSingleCalls ? `AND ${isSingleCall}` : ""} ORDER BY updated_at ${part}`;
      return { sql, values: [most, skip, rule.changedBefore, rule.now] };
    },
    lastChange: "SELECT updated_at AS at FROM conversations ORDER BY touched DESC LIMIT 1",
  };
}

export const conversationQueries = { sqlite: queries(sqlite), postgres: queries(postgres) };

/** Returns the page from the rows of its query. The query asks for one row more, which shows whether another page follows. */
export function pageFrom(rows: readonly PageRow[], { most }: ConversationQuery): ConversationPage {
  const last = rows.length > most ? rows[most - 1] : undefined;
  const conversations = rows.slice(0, most).map(({ touched: _, ...conversation }) => conversation);
  return { conversations, ...(last && { next: last.touched }) };
}
