/** The tables of a file. Loaded only if the log is new or older than this program. */
import type { MigrationStep } from "../shared/schema-version.js";
import { isMarkType } from "../sql/common-statements.js";
import { isListed, isSingleCall, keptListChanges } from "../sql/conversation-statements.js";
import { numberIn, readable, seqOf } from "../sql/sqlite-ids.js";
import { usageTables } from "../sql/usage-table.js";

/**
 * Events of a conversation are stored next to each other, see `sqlite-ids.ts`. The view has the columns that the table of PostgreSQL has, for
 * people who query the file. Only messages of the user have a request id in their column, because each index means one more page to write: with
 * an index of all events by turn and by position, a write cost half as much again.
 */
const events = [
  `CREATE TABLE entries (id integer NOT NULL PRIMARY KEY, turn_id text NOT NULL, type text NOT NULL, request_id text, payload text NOT NULL,
     at integer NOT NULL, position integer) STRICT`,
  "CREATE INDEX entries_request ON entries (request_id) WHERE request_id IS NOT NULL",
  `CREATE INDEX entries_marks ON entries (id) WHERE ${isMarkType}`,
  `CREATE VIEW events AS SELECT id, conversation_id, ${seqOf()} AS seq, turn_id, type,
     CASE type WHEN 'user_message' THEN coalesce(request_id, json_extract(${readable}, '$.requestId')) END AS request_id, payload, at, position
     FROM entries JOIN conversations ON number = ${numberIn()}`,
];

/** The columns of `conversations` are described in `sql/conversation-statements.ts`. */
const conversations = [
  `CREATE TABLE conversations (number integer NOT NULL PRIMARY KEY, conversation_id text NOT NULL UNIQUE, touched integer NOT NULL,
     updated_at integer NOT NULL DEFAULT 0, title text, title_lower text, workspace text NOT NULL DEFAULT '', turns integer NOT NULL DEFAULT 0,
     counted integer NOT NULL DEFAULT 0, family text) STRICT`,
  "CREATE UNIQUE INDEX conversations_touched ON conversations (touched)",
  `CREATE INDEX conversations_listed ON conversations (touched, title_lower) WHERE ${isListed}`,
  "CREATE INDEX conversations_updated ON conversations (updated_at)",
  `CREATE INDEX conversations_single ON conversations (updated_at) WHERE ${isSingleCall}`,
  "CREATE INDEX conversations_family ON conversations (family) WHERE family IS NOT NULL",
];

/** The tables of PostgreSQL describe the columns, which are the same here. */
const turns = [
  `CREATE TABLE turns (conversation_id text NOT NULL, conversation_number integer NOT NULL, turn_id text NOT NULL, request_id text NOT NULL,
     state text NOT NULL, place integer NOT NULL, node_id text, fence integer NOT NULL DEFAULT 0, crashes integer NOT NULL DEFAULT 0,
     workspace text NOT NULL, options text NOT NULL, fold integer NOT NULL DEFAULT 1, PRIMARY KEY (conversation_id, turn_id)) STRICT`,
  "CREATE INDEX turns_open ON turns (conversation_id, place) WHERE state IN ('queued', 'running')",
  `CREATE TABLE nodes (node_id text NOT NULL PRIMARY KEY, machine text NOT NULL, pid integer NOT NULL, seen_at integer NOT NULL,
     version text) STRICT`,
  `CREATE TABLE mail (id integer PRIMARY KEY, conversation_id text NOT NULL, turn_id text NOT NULL, mail text NOT NULL, question_id text,
     fence integer) STRICT`,
  "CREATE UNIQUE INDEX mail_answers ON mail (conversation_id, turn_id, question_id) WHERE question_id IS NOT NULL",
  `CREATE TABLE results (result_id text NOT NULL PRIMARY KEY, conversation_id text NOT NULL, text text NOT NULL, at integer NOT NULL) STRICT`,
  "CREATE INDEX results_conversation ON results (conversation_id)",
  "CREATE TABLE checkpoints (conversation_id text NOT NULL PRIMARY KEY, checkpoint text NOT NULL) STRICT",
];

/**
 * `searched` has the texts by which a search finds conversations, see `searchedTexts`. They are written in the same transaction as their
 * message; `entry` is its `id`. The index knows which texts contain which three characters in a row. It is kept by a number of its own, because
 * it stores the distances between numbers: with `entry`, it would be three times as large. It stores no texts and no positions in them.
 */
const search = [
  "CREATE TABLE searched (id integer PRIMARY KEY, entry integer NOT NULL UNIQUE, text text NOT NULL) STRICT",
  `CREATE VIRTUAL TABLE search_index USING fts5 (text, content = '', columnsize = 0, detail = none, tokenize = 'trigram case_sensitive 1')`,
  `CREATE TRIGGER searched_added AFTER INSERT ON searched BEGIN
     INSERT INTO search_index (rowid, text) VALUES (NEW.id, NEW.text); END`,
  `CREATE TRIGGER searched_removed AFTER DELETE ON searched BEGIN
     INSERT INTO search_index (search_index, rowid, text) VALUES ('delete', OLD.id, OLD.text); END`,
];

/** The table is described in `sql/history-statements.ts`. Its indexes contain `id` without being told. */
const histories = [
  `CREATE TABLE history_messages (id integer NOT NULL PRIMARY KEY, parent integer NOT NULL, hash blob NOT NULL, message text,
     event integer) STRICT`,
  "CREATE INDEX history_messages_next ON history_messages (parent, hash)",
  "CREATE INDEX history_messages_event ON history_messages (event) WHERE event IS NOT NULL",
];

const noteChange = (row: "NEW" | "OLD") =>
  `BEGIN INSERT INTO list_changes (conversation_id) VALUES (${row}.conversation_id); END`;

/** Titles, pins and versions of conversations. */
const labels = [
  ...["own_title text", "model_title text", "titled_turn text", "version_family text"].map(
    (column) => `ALTER TABLE conversations ADD COLUMN ${column}`,
  ),
  "ALTER TABLE conversations ADD COLUMN pinned integer NOT NULL DEFAULT 0",
  "ALTER TABLE conversations ADD COLUMN has_begun integer NOT NULL DEFAULT 1",
  "CREATE INDEX conversations_pinned ON conversations (touched) WHERE pinned = 1",
  "CREATE INDEX conversations_versions ON conversations (version_family, touched) WHERE version_family IS NOT NULL",
  "CREATE TABLE list_changes (id integer PRIMARY KEY AUTOINCREMENT, conversation_id text NOT NULL) STRICT",
  `CREATE TRIGGER list_changes_kept AFTER INSERT ON list_changes BEGIN
     DELETE FROM list_changes WHERE id <= NEW.id - ${keptListChanges}; END`,
  `CREATE TRIGGER conversations_labelled AFTER UPDATE OF own_title, model_title, pinned ON conversations ${noteChange("NEW")}`,
  `CREATE TRIGGER conversations_removed AFTER DELETE ON conversations ${noteChange("OLD")}`,
];

export const sqliteSteps: readonly MigrationStep[] = [
  [...conversations, ...events, ...turns, ...search, ...histories, ...usageTables.sqlite],
  labels,
];
