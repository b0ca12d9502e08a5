/** Queries of the table `conversations`, for both databases. */

import type { ConversationPage, ConversationQuery, ConversationSummary, ExpiryRule } from "../../core/chat-store.js";
import { singleCallPrefix } from "../../core/ids.js";
import { lowerTitle } from "../shared/conversation-facts.js";
import { seqOf, withinRange } from "./sqlite-place.js";

/**
 * SQL condition: the conversation was not created for a single API call. It must be written exactly as in the partial index, so that the
 * databases use the index.
 */
export const isListed = `substr(conversation_id, 1, ${singleCallPrefix.length + 1}) <> '${singleCallPrefix}_'`;

/** Setting of a transaction that copies a conversation: `on` keeps the trigger of `conversations` from writing a row for each copied event. */
export const copying = "mcp_platform.copying";

interface Query {
  sql: string;
  values: readonly (string | number)[];
}

interface ConversationDialect {
  parameter: (place: number) => string;
  /** Returns an SQL condition: `text` contains `part`. */
  contains: (text: string, part: string) => string;
  lastSeq: string;
}

const sqlite: ConversationDialect = {
  parameter: (place) => `?${place}`,
  contains: (text, part) => `instr(${text}, ${part}) > 0`,
  lastSeq: `(SELECT ${seqOf()} FROM entries WHERE ${withinRange("conversations.number")} ORDER BY id DESC LIMIT 1)`,
};

const postgres: ConversationDialect = {
  parameter: (place) => `$${place}`,
  contains: (text, part) => `strpos(${text}, ${part}) > 0`,
  lastSeq: "(SELECT max(seq) FROM events WHERE events.conversation_id = conversations.conversation_id)",
};

export type PageRow = ConversationSummary & { touched: number };

function queries({ parameter, contains, lastSeq }: ConversationDialect) {
  const named = `conversation_id AS "conversationId", ${lastSeq} AS "lastSeq"`;
  return {
    /** Returns a query whose rows `pageFrom` takes. */
    page({ most, after, text, workspaces, includesSingleCalls }: ConversationQuery): Query {
      const values: (string | number)[] = [most + 1];
      const value = (given: string | number) => parameter(values.push(given));
      const conditions = [
        ...(includesSingleCalls ? [] : [isListed]),
        ...(after === undefined ? [] : [`touched < ${value(after)}`]),
        ...(text ? [contains("title_lower", value(lowerTitle(text)))] : []),
        ...(workspaces ? [`workspace IN (${workspaces.map(value).join(", ")})`] : []),
      ];
      const where = conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : "";
      const sql = `SELECT ${named}, updated_at AS "updatedAt", coalesce(title, '') AS title, workspace, turns, touched
        FROM conversations ${where} ORDER BY touched DESC LIMIT ${parameter(1)}`;
      return { sql, values };
    },
    expiring({ changedBefore, beyond }: ExpiryRule, { most, skip }: { most: number; skip: number }): Query {
      const [before, limit, offset, kept] = [1, 2, 3, 4].map(parameter);
      const part = `LIMIT ${limit} OFFSET ${offset}`;
      const values = [changedBefore, most, skip];
      if (beyond === undefined) {
        const sql = `SELECT ${named} FROM conversations WHERE updated_at < ${before} ORDER BY updated_at ${part}`;
        return { sql, values };
      }
      // `+ 0` keeps the databases from using the index of `updated_at`. With that index, the rows would have to be sorted by `touched`
      // afterwards; the index of `touched` returns them in that order.
      const sql = `SELECT ${named} FROM conversations WHERE updated_at + 0 < ${before}
        AND touched <= (SELECT touched FROM conversations ORDER BY touched DESC LIMIT 1 OFFSET ${kept}) ORDER BY touched ${part}`;
      return { sql, values: [...values, beyond] };
    },
    lastChange: `SELECT coalesce(max(updated_at), 0) AS at FROM conversations WHERE updated_at <= ${parameter(1)}`,
  };
}

export const conversationQueries = { sqlite: queries(sqlite), postgres: queries(postgres) };

/** Returns the page from the rows of its query. The query asks for one row more, which shows whether another page follows. */
export function pageFrom(rows: readonly PageRow[], { most }: ConversationQuery): ConversationPage {
  const last = rows.length > most ? rows[most - 1] : undefined;
  const conversations = rows.slice(0, most).map(({ touched: _, ...conversation }) => conversation);
  return { conversations, ...(last && { next: last.touched }) };
}
