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
 * - `titled_turn` is set before the model is asked for a title: the turn that is asked about. So it is asked once, on whichever host.
 * - `own_title` was set by hand, and `model_title` was made by the model. Either of them is shown in place of `title`, in this order. Then
 *   `title_lower` is that of the shown one, which is also among the texts that a search looks at, with the `seq` 0.
 * - `turns` is the number of turns that no rewind removed.
 * - `version_family` is set for a conversation with versions: the id of the first of them. `has_begun` is 0 for a version without a message of
 *   its own, which lists leave out. `pinned` is 0 or 1.
 * - `counted` and `family` are described in `usage-tables.ts`.
 *
 * `list_changes` has the last changes that `touched` does not show: of titles and pins, of open questions, and deletions. Hosts that watch the
 * list read it.
 */

import type { ConversationPage, ConversationQuery, ConversationSummary, ExpiryRule } from "../../core/chat-store.js";
import { singleCallPrefix } from "../../core/ids.js";
import { lowerTitle } from "../shared/conversation-facts.js";
import { isUnfinished } from "./common-statements.js";
import { idOf, mostSeq, numberIn, readable, seqOf, withinRange } from "./sqlite-ids.js";

/**
 * SQL condition: the conversation was not created for a single API call. It must be written exactly as in the partial index, so that the
 * databases use the index.
 */
export const isListed = `substr(conversation_id, 1, ${singleCallPrefix.length + 1}) <> '${singleCallPrefix}_'`;

/** The opposite of `isListed`, written as in another partial index. */
export const isSingleCall = `substr(conversation_id, 1, ${singleCallPrefix.length + 1}) = '${singleCallPrefix}_'`;

/** Number of the last changes in `list_changes`. */
export const keptListChanges = 1_000;

/** SQL condition: lists show the conversation, because it has no version that has changed later. */
const isLastVersion = `(version_family IS NULL OR has_begun = 1 AND NOT EXISTS (SELECT 1 FROM conversations AS later
  WHERE later.version_family = conversations.version_family AND later.touched > conversations.touched AND later.has_begun = 1))`;

/** SQL for the title that lists show, if it is stored. */
export const storedTitle = "coalesce(own_title, model_title, title)";

/** Returns the SQL that claims the title of a conversation for a turn. It changes no row if the conversation has a title or was claimed before. */
export const claimTitle = (conversationId: string, turnId: string) => `UPDATE conversations SET titled_turn = ${turnId}
  WHERE conversation_id = ${conversationId} AND coalesce(titled_turn, own_title, model_title) IS NULL`;

/** SQL condition: a living host owns an unfinished turn of the row of `conversations`, which is the row of `turns`. */
const isOwned = `turns.conversation_id = conversations.conversation_id AND turns.${isUnfinished}
  AND EXISTS (SELECT 1 FROM nodes WHERE nodes.node_id = turns.node_id)`;

/** SQL for `ConversationSummary.state`. `questions`: query of the questions of a row of `turns`, minus their answers. */
const stateWith = (questions: string) => `CASE WHEN NOT EXISTS (SELECT 1 FROM turns WHERE ${isOwned}) THEN 'idle'
  WHEN EXISTS (SELECT 1 FROM turns WHERE ${isOwned} AND (${questions}) > 0) THEN 'waiting' ELSE 'running' END AS state`;
const openQuestions = "SELECT coalesce(sum(CASE asked.type WHEN 'question' THEN 1 ELSE -1 END), 0)";
const isAboutQuestion = "asked.turn_id = turns.turn_id AND asked.type IN ('question', 'answer')";

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

/** SQL condition: the row of `conversations` is the conversation with this id, or a version of it. */
export const isOfVersions = (conversationId: string) => `(conversation_id = ${conversationId}
  OR version_family = (SELECT version_family FROM conversations WHERE conversation_id = ${conversationId}))`;

/** Returns the SQL that gives a copy the titles of its original. */
export const copyTitles = (from: string, to: string) => `UPDATE conversations SET (own_title, model_title) =
  (SELECT own_title, model_title FROM conversations WHERE conversation_id = ${from}) WHERE conversation_id = ${to}`;

/** Returns the SQL statements that make a copy a version of its original. Each has both parameters. */
export const joinVersions = (from: string, to: string) => [
  `UPDATE conversations SET version_family = conversation_id
   WHERE conversation_id = ${from} AND version_family IS NULL AND conversation_id <> ${to}`,
  `UPDATE conversations SET has_begun = 0, (version_family, pinned) =
   (SELECT version_family, pinned FROM conversations WHERE conversation_id = ${from}) WHERE conversation_id = ${to}`,
];

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
  state: string;
  /** SQL that orders conversations as they were made. */
  madeOrder: string;
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
  madeOrder: "number",
  // The events of the turn begin with its request.
  state: stateWith(`${openQuestions} FROM entries AS asked WHERE ${isAboutQuestion}
    AND asked.id BETWEEN coalesce((SELECT max(id) FROM entries AS begun WHERE begun.request_id = turns.request_id
      AND ${numberIn("begun.")} = number), ${idOf("number", "0")}) AND ${idOf("number", String(mostSeq))}`),
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
  madeOrder: "(SELECT id FROM events WHERE events.conversation_id = conversations.conversation_id AND seq = 1)",
  state:
    stateWith(`${openQuestions} FROM events AS asked WHERE ${isAboutQuestion} AND asked.conversation_id = turns.conversation_id
    AND asked.seq >= coalesce((SELECT begun.seq FROM events AS begun
      WHERE begun.conversation_id = turns.conversation_id AND begun.request_id = turns.request_id), 0)`),
  searchedTexts: "SELECT 1 FROM searched WHERE searched.conversation_id = conversations.conversation_id",
  isFound: (parts, part) => `conversation_id IN (SELECT conversation_id FROM searched
    WHERE search_grams(text) @> search_grams(${parts}) AND strpos(text, ${part}) > 0)`,
  partsOf: (text) => [...text].slice(0, mostParts).join(""),
};

export type PageRow = Omit<ConversationSummary, "pinned"> & { touched: number; pinned: number };

function queries(dialect: ConversationDialect) {
  const { parameter, contains, lastSeq, firstTitle, state, madeOrder, searchedTexts, isFound, partsOf } = dialect;
  const named = `conversation_id AS "conversationId", ${lastSeq} AS "lastSeq"`;
  const title = `coalesce(${storedTitle}, CASE WHEN ${isSingleCall} THEN ${firstTitle} END, '')`;
  const version = `CASE WHEN version_family <> conversation_id THEN version_family END AS "versionOf"`;
  const shownWith = (onlyOwnTitles = false) =>
    `${named}, updated_at AS "updatedAt", ${onlyOwnTitles ? "coalesce(own_title, '')" : title} AS title, workspace, turns, touched, pinned, ${version}, ${state}`;
  /** Returns the values of a query, beginning with this one, and a function that adds a value and returns its parameter. */
  const valuesFrom = (first: number) => {
    const values: (string | number)[] = [first];
    return { values, value: (given: string | number) => parameter(values.push(given)) };
  };
  return {
    /** Returns a query whose rows `pageFrom` takes. It looks for the text in titles only. */
    page({ most, after, text, workspaces, isPinned, ids, includesHidden, onlyOwnTitles }: ConversationQuery): Query {
      const { values, value } = valuesFrom(most + 1);
      const conditions = [
        ...(includesHidden ? [] : [isListed, isLastVersion]),
        ...(isPinned ? ["pinned = 1"] : []),
        ...(ids ? [`conversation_id IN (${ids.map(value).join(", ")})`] : []),
        ...(after === undefined ? [] : [`touched < ${value(after)}`]),
        ...(text ? [contains("title_lower", value(lowerTitle(text)))] : []),
        ...(workspaces ? [`workspace IN (${workspaces.map(value).join(", ")})`] : []),
      ];
      const where = conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : "";
      return {
        sql: `SELECT ${shownWith(onlyOwnTitles)} FROM conversations ${where} ORDER BY touched DESC LIMIT ${parameter(1)}`,
        values,
      };
    },
    /**
     * Returns two queries that look for the text in messages and titles. If the first one, which looks through the latest conversations, does
     * not return the page and one row more, the second one returns the page. Both leave out conversations of single calls.
     */
    search({
      most,
      after,
      text = "",
      workspaces,
      isPinned,
      onlyOwnTitles,
    }: ConversationQuery): readonly [Query, Query] {
      const shown = shownWith(onlyOwnTitles);
      const { values, value } = valuesFrom(most + 1);
      const part = value(lowerTitle(text));
      const isShown = `AND ${isLastVersion} ${isPinned ? "AND pinned = 1" : ""}`;
      const before = after === undefined ? "" : `AND touched < ${value(after)}`;
      const inWorkspaces = workspaces ? `AND workspace IN (${workspaces.map(value).join(", ")})` : "";
      const latest = `(SELECT * FROM conversations WHERE ${isListed} ${before} ORDER BY touched DESC LIMIT ${mostRecent}) AS conversations`;
      const recent = `SELECT ${shown} FROM ${latest} WHERE EXISTS (${searchedTexts} AND ${contains("text", part)}) ${inWorkspaces} ${isShown}
        ORDER BY touched DESC LIMIT ${parameter(1)}`;
      const all = [...values, partsOf(lowerTitle(text))];
      // `+ 0` keeps the databases from reading all conversations in the order of their last change until enough of them are found.
      const found = `SELECT ${shown} FROM conversations WHERE ${isFound(parameter(all.length), part)} AND ${isListed} ${before} ${inWorkspaces} ${isShown}
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
    /** Parameter: number of changes and of conversations. */
    recentlyChanged: `SELECT conversation_id AS id FROM (SELECT * FROM list_changes ORDER BY id DESC LIMIT ${parameter(1)}) AS changed
      UNION SELECT conversation_id FROM (SELECT * FROM conversations WHERE ${isListed} ORDER BY touched DESC LIMIT ${parameter(1)}) AS latest`,
    /** Parameter: the id of a conversation. */
    versions: `SELECT ${named}, updated_at AS "updatedAt" FROM conversations
      WHERE conversation_id = ${parameter(1)} OR has_begun = 1 AND ${isOfVersions(parameter(1))} ORDER BY ${madeOrder}`,
    lastChange: "SELECT updated_at AS at FROM conversations ORDER BY touched DESC LIMIT 1",
  };
}

export const conversationQueries = { sqlite: queries(sqlite), postgres: queries(postgres) };

/** Returns the page from the rows of its query. The query asks for one row more, which shows whether another page follows. */
export function pageFrom(rows: readonly PageRow[], { most }: ConversationQuery): ConversationPage {
  const last = rows.length > most ? rows[most - 1] : undefined;
  const conversations = rows
    .slice(0, most)
    .map(({ touched: _, pinned, ...conversation }) => ({ ...conversation, pinned: pinned === 1 }));
  return { conversations, ...(last && { next: last.touched }) };
}
