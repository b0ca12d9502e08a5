/** The steps that create and migrate the schema, for both databases. Loaded only if the log is new or outdated. */

import { applicationId } from "../shared/schema-version.js";
import { conversationTitle, postgresConversations, sqliteConversations } from "./conversation-table.js";
import { postgresHistories, sqliteHistories } from "./history-statements.js";
import {
  countUsage,
  keepUsage,
  postgresDayTotals,
  postgresUsage,
  postgresUsageRecounted,
  postgresUsageRepaired,
  summariesRemoved,
} from "./postgres-usage-tables.js";
import { keepSearched, postgresSearch, searchedText, searchGrams, sqliteSearch } from "./search-table.js";
import { addSpentTrigger, postgresSpentTotals, sqliteSpentTotals } from "./spent-totals.js";
import { idOf, numberIn, numberOf, readable, seqOf } from "./sqlite-place.js";
import { sqliteDayTotals, sqliteEmptied, sqliteUsage } from "./sqlite-usage-tables.js";
import { waitForTableLock } from "./table-lock.js";

export type SqlDialect = "sqlite" | "postgres";

/** SQL statements that run in one transaction. */
export type MigrationStep = readonly string[];

/**
 * Returns all migration steps. The version of a log is the number of steps that have run on it (`user_version` of a file). New steps may
 * only be appended. `payload`, `options` and `mail` are JSON in text columns, because PostgreSQL's JSON type refuses some valid JSON. Data
 * that is searched or must be unique has a column of its own.
 */
export function stepsOf(dialect: SqlDialect): readonly MigrationStep[] {
  const isSqlite = dialect === "sqlite";
  const key = isSqlite ? "integer PRIMARY KEY" : "bigserial PRIMARY KEY";
  /** Type of columns that hold a time in ms since the epoch. */
  const time = isSqlite ? "integer" : "bigint";
  const strict = isSqlite ? "STRICT" : "";
  return [
    [
      `CREATE TABLE events (id ${key}, conversation_id text NOT NULL, seq integer NOT NULL, turn_id text NOT NULL, type text NOT NULL,
         request_id text, payload text NOT NULL, at ${time} NOT NULL, CONSTRAINT events_seq UNIQUE (conversation_id, seq),
         CONSTRAINT events_request UNIQUE (conversation_id, request_id)) ${strict}`,
      "CREATE INDEX events_turn ON events (conversation_id, turn_id, seq)",
      ...(isSqlite ? [`PRAGMA application_id = ${applicationId}`] : []),
    ],
    [
      // Position of an event in its turn. If a process finds that its next position is already taken, another process also writes to the
      // turn.
      "ALTER TABLE events ADD COLUMN position integer",
      "CREATE UNIQUE INDEX events_position ON events (conversation_id, turn_id, position) WHERE position IS NOT NULL",
      // Index for computing the cost of a day.
      "CREATE INDEX events_answers ON events (at) WHERE type = 'assistant_message'",
      // `state` is queued, running, ended or failed. A failed turn continues if its request is repeated. `place` orders the turns of a
      // conversation.
      `CREATE TABLE turns (conversation_id text NOT NULL, turn_id text NOT NULL, request_id text NOT NULL, state text NOT NULL,
         place integer NOT NULL, node_id text, fence integer DEFAULT 0 NOT NULL, crashes integer DEFAULT 0 NOT NULL,
         workspace text NOT NULL, options text NOT NULL, CONSTRAINT turns_key PRIMARY KEY (conversation_id, turn_id)) ${strict}`,
      "CREATE INDEX turns_open ON turns (conversation_id, place) WHERE state IN ('queued', 'running')",
      `CREATE TABLE nodes (node_id text NOT NULL PRIMARY KEY, machine text NOT NULL, pid integer NOT NULL, seen_at ${time} NOT NULL) ${strict}`,
      `CREATE TABLE mail (id ${key}, conversation_id text NOT NULL, turn_id text NOT NULL, mail text NOT NULL) ${strict}`,
      // Tool results that are too large for a request. The model reads them in pieces.
      `CREATE TABLE results (result_id text NOT NULL PRIMARY KEY, conversation_id text NOT NULL, text text NOT NULL,
         at ${time} NOT NULL) ${strict}`,
      "CREATE INDEX results_conversation ON results (conversation_id)",
    ],
    // Index of fork and rewind events. They decide which events belong to a conversation, and there are few of them.
    ["CREATE INDEX events_marks ON events (conversation_id, seq) WHERE type IN ('fork', 'rewind')"],
    // Version of the turn's events. Only hosts that know this version run the turn: see `foldVersion` (log/shared/schema-version.ts).
    ["ALTER TABLE turns ADD COLUMN fold integer DEFAULT 1 NOT NULL"],
    // For hosts that share a database, but not a machine.
    ["ALTER TABLE nodes ADD COLUMN version text", ...(isSqlite ? [] : tasks)],
    [
      // `question_id` is the id of the question that the mail answers; a question gets only one answer. `fence` is the number of the lease
      // under which the owner of the turn received the mail.
      "ALTER TABLE mail ADD COLUMN question_id text",
      "ALTER TABLE mail ADD COLUMN fence integer",
      "CREATE UNIQUE INDEX mail_answers ON mail (conversation_id, turn_id, question_id) WHERE question_id IS NOT NULL",
    ],
    isSqlite ? fewerIndexes : [],
    isSqlite ? conversationsTogether : [],
    isSqlite ? [] : noticeKey,
    isSqlite ? sqliteConversations : postgresConversations,
    isSqlite ? sqliteSearch : postgresSearch,
    isSqlite ? sqliteUsage : postgresUsage,
    isSqlite ? sqliteHistories : postgresHistories,
    isSqlite ? [] : [conversationTitle, searchedText, ...postgresUsageRepaired, historiesKept],
    // The last checkpoint of each long conversation, see `CheckpointStore`. PostgreSQL deletes it together with the conversation, even if a
    // host of an earlier version deletes the conversation, or if another host is just storing the checkpoint.
    [
      `CREATE TABLE checkpoints (conversation_id text NOT NULL PRIMARY KEY${isSqlite ? "" : " REFERENCES conversations ON DELETE CASCADE"},
         checkpoint text NOT NULL) ${strict}`,
    ],
    isSqlite ? [] : plannedOnce,
    // A function that is replaced loses its settings, so they are made again.
    isSqlite ? requestIdsShown : [keepSearched, ...plannedOnce, ...fewerRequestIds],
    isSqlite ? sqliteSpentTotals : postgresSpentTotals,
    // All usage is counted anew, without the impossible amounts that an earlier version stored.
    isSqlite ? sqliteEmptied : [...postgresUsageRecounted, ...plannedOnce],
    isSqlite ? [] : cheaperTriggers,
    // From here on, all answers to a request are counted, each at its own model, and a turn that continues in a conversation and in its copy is
    // counted in both.
    isSqlite ? [] : [countUsage, ...plannedOnce],
    [],
    // From here on, usage has totals of days.
    isSqlite ? sqliteDayTotals : postgresDayTotals,
  ];
}

/**
 * Removes indexes, for SQLite only. Without these indexes, a write costs a third less, because each index means one more page to write. The
 * events of a turn can be found by scanning from its request, and only requests are searched by id. PostgreSQL keeps its indexes, because
 * rebuilding the table would block the hosts.
 */
const fewerIndexes = [
  `CREATE TABLE events_anew (id integer NOT NULL PRIMARY KEY, conversation_id text NOT NULL, seq integer NOT NULL, turn_id text NOT NULL,
     type text NOT NULL, request_id text, payload text NOT NULL, at integer NOT NULL, position integer,
     CONSTRAINT events_seq UNIQUE (conversation_id, seq)) STRICT`,
  `INSERT INTO events_anew SELECT id, conversation_id, seq, turn_id, type, request_id, payload, at, position FROM events ORDER BY id`,
  "DROP TABLE events",
  "ALTER TABLE events_anew RENAME TO events",
  "CREATE UNIQUE INDEX events_request ON events (conversation_id, request_id) WHERE request_id IS NOT NULL",
  "CREATE INDEX events_answers ON events (at) WHERE type = 'assistant_message'",
  "CREATE INDEX events_marks ON events (conversation_id, seq) WHERE type IN ('fork', 'rewind')",
];

/**
 * Changes the tables so that the events of a conversation are stored next to each other, see `sqlite-place.ts`. `touched` orders
 * conversations by their last change. The view `events` has the columns of the old table, for people who query the file.
 */
const conversationsTogether = [
  `CREATE TABLE conversations (number integer NOT NULL PRIMARY KEY, conversation_id text NOT NULL UNIQUE, touched integer NOT NULL) STRICT`,
  `INSERT INTO conversations (conversation_id, touched) SELECT conversation_id, max(id) FROM events GROUP BY conversation_id ORDER BY min(id)`,
  `CREATE TABLE entries (id integer NOT NULL PRIMARY KEY, turn_id text NOT NULL, type text NOT NULL, request_id text, payload text NOT NULL,
     at integer NOT NULL, position integer) STRICT`,
  `INSERT INTO entries SELECT ${idOf("number", "seq")} AS place, turn_id, type, request_id, payload, at, position
     FROM conversations CROSS JOIN events USING (conversation_id) ORDER BY number, seq`,
  "DROP TABLE events",
  "CREATE INDEX entries_request ON entries (request_id) WHERE request_id IS NOT NULL",
  "CREATE INDEX entries_answers ON entries (at) WHERE type = 'assistant_message'",
  "CREATE INDEX entries_marks ON entries (id) WHERE type IN ('fork', 'rewind')",
  "ALTER TABLE turns ADD COLUMN conversation_number integer",
  `UPDATE turns SET conversation_number = ${numberOf("turns.conversation_id")}`,
  `CREATE VIEW events AS SELECT id, conversation_id, ${seqOf()} AS seq, turn_id, type, request_id, payload, at, position
     FROM entries JOIN conversations ON number = ${numberIn()}`,
];

/**
 * Makes PostgreSQL plan the statements of these functions once for each connection. By its own choice, it planned those of `count_usage` at
 * every end of a turn, which took 1.5 of the database's 4.4 ms of processor time for a turn.
 */
const plannedOnce = ["count_usage(text)", "keep_conversation()"].map(
  (name) => `ALTER FUNCTION ${name} SET plan_cache_mode = force_generic_plan`,
);

/**
 * Makes a turn cheaper on PostgreSQL, by a quarter of what its statements took: an answer is parsed once for its counters, and its numbers are read
 * once; the end of a turn does not go through the statement that makes a conversation's row; nothing looks for tools in a turn without any.
 */
const cheaperTriggers = [
  keepSearched,
  searchGrams,
  countUsage,
  keepUsage,
  addSpentTrigger,
  ...plannedOnce,
  waitForTableLock,
  ...summariesRemoved,
];

/** The key for `postgres/notice-seal.ts`: 244 random bits. */
const noticeKey = [
  "CREATE TABLE notice_key (key text NOT NULL)",
  "REVOKE ALL ON notice_key FROM PUBLIC",
  "INSERT INTO notice_key SELECT replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')",
];

/** Last start of each task that all hosts share, so that only one host starts it when it is due. */
const tasks = ["CREATE TABLE tasks (name text PRIMARY KEY, begun_at bigint NOT NULL)"];

/**
 * Keeps hosts of an earlier version from deleting an event that has a message of other calls: they do not know `history_messages`, so these
 * calls would lose the message. `NOT VALID`: rows whose event was lost before stay as they are.
 */
const historiesKept = `ALTER TABLE history_messages ADD CONSTRAINT history_messages_kept FOREIGN KEY (event) REFERENCES events (id) NOT VALID`;

/** For SQLite: messages of single API calls have no request id in their column, see `storedRequestId`. The view has it. */
const requestIdsShown = [
  "DROP VIEW events",
  `CREATE VIEW events AS SELECT id, conversation_id, ${seqOf()} AS seq, turn_id, type,
     CASE type WHEN 'user_message' THEN coalesce(request_id, json_extract(${readable}, '$.requestId')) END AS request_id, payload, at, position
     FROM entries JOIN conversations ON number = ${numberIn()}`,
];

/** Largest table of events, in bytes, whose index is made anew. Other hosts wait for less than a second meanwhile. */
const mostIndexedBytes = 2 ** 26;

/**
 * For PostgreSQL: replaces the index of request ids, which has an entry for each event, by one with an entry for each message. A larger log keeps
 * its index.
 */
const fewerRequestIds = [
  waitForTableLock,
  `DO $$ BEGIN
     IF pg_relation_size('events') <= ${mostIndexedBytes} THEN
       ALTER TABLE events DROP CONSTRAINT IF EXISTS events_request;
       CREATE UNIQUE INDEX IF NOT EXISTS events_request ON events (conversation_id, request_id) WHERE request_id IS NOT NULL;
     END IF;
   END $$`,
];
