/** The tables of a database. Loaded only if the log is new or older than this program. */
import type { MigrationStep } from "../shared/schema-version.js";
import { isMarkType } from "../sql/common-statements.js";
import { isListed, isSingleCall } from "../sql/conversation-statements.js";
import { usageTables } from "../sql/usage-table.js";
import { conversationLabels } from "./conversation-labels.js";
import { conversationFunctions, conversationTriggers } from "./conversation-triggers.js";

/**
 * `payload`, `options` and `mail` are JSON in text columns, because PostgreSQL's JSON type refuses some valid JSON. Data that is searched or must be
 * unique has a column of its own. `position` is that of an event in its turn: if a process finds that its next position is taken, another
 * process also writes to the turn. The index of marks is for fork and rewind events, which decide what belongs to a conversation.
 */
const events = [
  `CREATE TABLE events (id bigserial PRIMARY KEY, conversation_id text NOT NULL, seq integer NOT NULL, turn_id text NOT NULL, type text NOT NULL,
     request_id text, payload text NOT NULL, at bigint NOT NULL, position integer, CONSTRAINT events_seq UNIQUE (conversation_id, seq))`,
  "CREATE UNIQUE INDEX events_request ON events (conversation_id, request_id) WHERE request_id IS NOT NULL",
  `CREATE INDEX events_marks ON events (conversation_id, seq) WHERE ${isMarkType}`,
];

/** The columns are described in `sql/conversation-statements.ts`. */
const conversations = [
  `CREATE TABLE conversations (conversation_id text PRIMARY KEY, touched bigint NOT NULL, updated_at bigint NOT NULL, title text,
     title_lower text, workspace text NOT NULL DEFAULT '', turns integer NOT NULL DEFAULT 0, counted integer NOT NULL DEFAULT 0, family text)`,
  "CREATE UNIQUE INDEX conversations_touched ON conversations (touched)",
  `CREATE INDEX conversations_listed ON conversations (touched) WHERE ${isListed}`,
  "CREATE INDEX conversations_updated ON conversations (updated_at)",
  `CREATE INDEX conversations_single ON conversations (updated_at) WHERE ${isSingleCall}`,
  "CREATE INDEX conversations_family ON conversations (family) WHERE family IS NOT NULL",
];

/**
 * - `turns.state` is queued, running, ended or failed. A failed turn continues if its request is repeated. `place` orders the turns of a conversation.
 *   `fold` is the version of the turn's events: only hosts that know it run the turn, see `foldVersion`.
 * - `mail.question_id` is the id of the question that the mail answers; a question gets only one answer. `fence` is the number of the lease under
 *   which the owner of the turn received the mail.
 * - `results` has the results of tools that are too large for a request. The model reads them in pieces.
 * - `checkpoints` has the last checkpoint of each long conversation, see `CheckpointStore`. It is deleted together with the conversation, even if
 *   another host is just storing it.
 * - `tasks` has the last start of each task that all hosts share, so that only one host starts it when it is due.
 * - `notice_key` is the key for `notice-seal.ts`: 244 random bits.
 */
const turns = [
  `CREATE TABLE turns (conversation_id text NOT NULL, turn_id text NOT NULL, request_id text NOT NULL, state text NOT NULL,
     place integer NOT NULL, node_id text, fence integer NOT NULL DEFAULT 0, crashes integer NOT NULL DEFAULT 0,
     workspace text NOT NULL, options text NOT NULL, fold integer NOT NULL DEFAULT 1, CONSTRAINT turns_key PRIMARY KEY (conversation_id, turn_id))`,
  "CREATE INDEX turns_open ON turns (conversation_id, place) WHERE state IN ('queued', 'running')",
  "CREATE TABLE nodes (node_id text PRIMARY KEY, machine text NOT NULL, pid integer NOT NULL, seen_at bigint NOT NULL, version text)",
  `CREATE TABLE mail (id bigserial PRIMARY KEY, conversation_id text NOT NULL, turn_id text NOT NULL, mail text NOT NULL, question_id text,
     fence integer)`,
  "CREATE UNIQUE INDEX mail_answers ON mail (conversation_id, turn_id, question_id) WHERE question_id IS NOT NULL",
  "CREATE TABLE results (result_id text PRIMARY KEY, conversation_id text NOT NULL, text text NOT NULL, at bigint NOT NULL)",
  "CREATE INDEX results_conversation ON results (conversation_id)",
  "CREATE TABLE checkpoints (conversation_id text PRIMARY KEY REFERENCES conversations ON DELETE CASCADE, checkpoint text NOT NULL)",
  "CREATE TABLE tasks (name text PRIMARY KEY, begun_at bigint NOT NULL)",
  "CREATE TABLE notice_key (key text NOT NULL)",
  "REVOKE ALL ON notice_key FROM PUBLIC",
  "INSERT INTO notice_key SELECT replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')",
];

/**
 * `searched` has the texts by which a search finds conversations, see `searchedTexts`; the triggers write them. The index knows which texts
 * contain which three characters in a row. It collects new texts until they fill 256 KB, and then adds them together. With the default of 4 MB,
 * every search would read so much, and the message that adds them would wait for a second.
 *
 * `search_grams` does what the extension pg_trgm does, because only some roles may create an extension. It is in plpgsql: a function in SQL is
 * parsed again at each insertion, to see whether it can be a part of the index's expression.
 */
const search = [
  `CREATE FUNCTION search_grams(text text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
   BEGIN
     RETURN (SELECT coalesce(array_agg(DISTINCT letters[place] || letters[place + 1] || letters[place + 2]), '{}')
       FROM (SELECT string_to_array(text, NULL) AS letters) AS split, generate_series(1, cardinality(letters) - 2) AS place);
   END $$`,
  `CREATE TABLE searched (conversation_id text NOT NULL REFERENCES conversations ON DELETE CASCADE, seq integer NOT NULL, text text NOT NULL,
     CONSTRAINT searched_key PRIMARY KEY (conversation_id, seq))`,
  "CREATE INDEX searched_grams ON searched USING gin (search_grams(text)) WITH (gin_pending_list_limit = 256)",
];

/** The table is described in `sql/history-statements.ts`. */
const histories = [
  "CREATE TABLE history_messages (id bigserial PRIMARY KEY, parent bigint NOT NULL, event bigint, hash bytea NOT NULL, message text)",
  "CREATE INDEX history_messages_next ON history_messages (parent, hash, id)",
  "CREATE INDEX history_messages_event ON history_messages (event) WHERE event IS NOT NULL",
];

export const postgresSteps: readonly MigrationStep[] = [
  [
    ...[events, conversations, turns, search, histories, usageTables.postgres].flat(),
    ...[conversationFunctions, conversationTriggers].flat(),
  ],
  conversationLabels,
];
