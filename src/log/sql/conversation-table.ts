/**
 * The table `conversations`: one row for each conversation, with the fields that lists show. A list then reads only the rows that it
 * shows, and no payloads. A row is written in the same transaction as the event that changes it: a message of the user, the end of a turn, a
 * rewind or a copy.
 *
 * - `touched` orders conversations by their last change, and is unique. Event times are not used for this, because clocks can be set back.
 *   In a file it is the time of the change or, if an earlier change has this time or a later one, one more than the highest value so far. On
 *   PostgreSQL it is the id of an event.
 * - `updated_at` is the time of the last change.
 * - `title` is the beginning of the first message, also after a rewind, and null as long as there is no message. `title_lower` is what a search looks at.
 *   Conversations of single calls have neither, because they are rarely shown and would grow by a tenth: their title is read from the message.
 * - `turns` is the number of turns that no rewind removed.
 */
import { titleLength } from "../shared/conversation-facts.js";
import { isRewind } from "./common-statements.js";
import { copying, isListed, sqliteFirstTitle } from "./conversation-statements.js";
import { jsonOf } from "./postgres-json.js";
import { idOf, numberIn, seqOf, withinRange } from "./sqlite-place.js";
import { waitForTableLock } from "./table-lock.js";

const indexes = (listed: string) => [
  "CREATE UNIQUE INDEX conversations_touched ON conversations (touched)",
  `CREATE INDEX conversations_listed ON conversations (${listed}) WHERE ${isListed}`,
  "CREATE INDEX conversations_updated ON conversations (updated_at)",
];

const number = "conversations.number";
const firstEntry = `entries.id = ${idOf(number, "1")}`;
const lastEntry = `entries.id = (SELECT max(id) FROM entries WHERE ${withinRange(number)})`;
const workspace = `coalesce((SELECT workspace FROM turns WHERE turns.conversation_id = conversations.conversation_id
  ORDER BY place DESC LIMIT 1), '')`;

/** SQL for the rewinds that removed the message `asked` of a conversation. */
export const sqliteRewindsOfAsked = `SELECT 1 FROM entries AS mark WHERE ${isRewind("mark")} AND ${withinRange(number, { row: "mark." })}
  AND mark.id > asked.id AND json_extract(mark.payload, '$.toSeq') < ${seqOf("asked.")}`;
export const postgresRewindsOfAsked = `SELECT FROM events AS mark WHERE ${isRewind("mark")} AND mark.conversation_id = asked.conversation_id
  AND mark.seq > asked.seq AND (${jsonOf("mark.payload")} ->> 'toSeq')::integer < asked.seq`;

/**
 * Step of the migration, for SQLite. For speed, turns are counted in the index of request ids, which only messages of the user have. Conversations with a rewind are then counted again, without
 * the turns that the rewind removed.
 */
export const sqliteConversations = [
  "ALTER TABLE conversations ADD COLUMN updated_at integer NOT NULL DEFAULT 0",
  "ALTER TABLE conversations ADD COLUMN title text",
  "ALTER TABLE conversations ADD COLUMN title_lower text",
  "ALTER TABLE conversations ADD COLUMN workspace text NOT NULL DEFAULT ''",
  "ALTER TABLE conversations ADD COLUMN turns integer NOT NULL DEFAULT 0",
  `UPDATE conversations SET touched = ranked.place
     FROM (SELECT number, row_number() OVER (ORDER BY touched, number) AS place FROM conversations) AS ranked
     WHERE ranked.number = conversations.number`,
  `UPDATE conversations SET workspace = ${workspace},
     updated_at = max(coalesce((SELECT at FROM entries WHERE ${firstEntry}), 0), coalesce((SELECT at FROM entries WHERE ${lastEntry}), 0)),
     title = ${sqliteFirstTitle}`,
  "UPDATE conversations SET title_lower = lower_title(title) WHERE title IS NOT NULL",
  `UPDATE conversations SET turns = asked.turns
     FROM (SELECT ${numberIn()} AS number, count(*) AS turns FROM entries INDEXED BY entries_request WHERE request_id IS NOT NULL GROUP BY 1)
       AS asked
     WHERE asked.number = conversations.number`,
  `UPDATE conversations SET turns = (SELECT count(*) FROM entries AS asked
       WHERE ${withinRange(number, { row: "asked." })} AND asked.type = 'user_message' AND NOT EXISTS (${sqliteRewindsOfAsked}))
     WHERE number IN (SELECT ${numberIn()} FROM entries WHERE ${isRewind("entries")})`,
  ...indexes("touched, title_lower"),
];

const turnsIn = (conversation: string) => `(SELECT count(*) FROM events AS asked
  WHERE asked.conversation_id = ${conversation} AND asked.type = 'user_message' AND NOT EXISTS (${postgresRewindsOfAsked}))`;

/**
 * Upper bound for the number of events that are being written at one time. Such an event may have a lower id than an event that is already
 * stored.
 */
const mostInFlight = 10_000;

/** Returns SQL that writes the rows of those conversations whose first event, named `first` in the condition, fulfils it. */
const fillConversations = (condition: string) => `
  INSERT INTO conversations (conversation_id, touched, updated_at, title, title_lower, workspace, turns)
  SELECT conversation_id, touched, updated_at, title, lower_title(title), workspace, turns FROM (
    SELECT first.conversation_id, last.id AS touched, greatest(first.at, last.at) AS updated_at,
      (SELECT conversation_title(payload) FROM events AS asked
         WHERE asked.conversation_id = first.conversation_id AND asked.type = 'user_message' ORDER BY seq LIMIT 1) AS title,
      ${workspace.replaceAll("conversations.", "first.")} AS workspace,
      CASE WHEN EXISTS (SELECT FROM events AS mark WHERE ${isRewind("mark")} AND mark.conversation_id = first.conversation_id)
        THEN ${turnsIn("first.conversation_id")}
        ELSE (SELECT count(request_id) FROM events AS asked WHERE asked.conversation_id = first.conversation_id) END AS turns
    FROM events AS first CROSS JOIN LATERAL
      (SELECT id, at FROM events WHERE events.conversation_id = first.conversation_id ORDER BY seq DESC LIMIT 1) AS last
    WHERE first.seq = 1 AND ${condition}
  ) AS found
  ON CONFLICT (conversation_id) DO UPDATE SET touched = excluded.touched, updated_at = excluded.updated_at, title = excluded.title,
    title_lower = excluded.title_lower, workspace = excluded.workspace, turns = excluded.turns`;

/**
 * Returns the SQL for the function of the triggers. `more` is what a later version of the schema adds to its end. `search_path` is stored
 * with the function, because pg_restore runs triggers with an empty one.
 */
export const keepConversation = (more = "") =>
  `CREATE OR REPLACE FUNCTION keep_conversation() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
   DECLARE
     new_title text; new_workspace text; new_turns integer := 0;
   BEGIN
     IF TG_OP = 'DELETE' THEN
       DELETE FROM conversations WHERE conversation_id = OLD.conversation_id;
       RETURN NULL;
     END IF;
     -- The end of a turn does not set the workspace: a later turn of the conversation may already wait, in another one.
     IF NEW.type IN ('turn_end', 'turn_error') THEN
       UPDATE conversations SET touched = NEW.id, updated_at = NEW.at WHERE conversation_id = NEW.conversation_id;
       IF FOUND THEN RETURN NULL; END IF;
     END IF;
     IF NEW.type = 'user_message' THEN
       IF ${isListed.replaceAll("conversation_id", "NEW.conversation_id")} THEN new_title := conversation_title(NEW.payload); END IF;
       new_turns := 1;
       SELECT workspace INTO new_workspace FROM turns WHERE conversation_id = NEW.conversation_id AND turn_id = NEW.turn_id;
     END IF;
     INSERT INTO conversations AS known (conversation_id, touched, updated_at, title, title_lower, workspace, turns)
       VALUES (NEW.conversation_id, NEW.id, NEW.at, new_title, lower_title(new_title), coalesce(new_workspace, ''), new_turns)
       ON CONFLICT (conversation_id) DO UPDATE SET touched = excluded.touched, updated_at = excluded.updated_at,
         title = coalesce(known.title, excluded.title), title_lower = coalesce(known.title_lower, excluded.title_lower),
         workspace = coalesce(new_workspace, known.workspace),
         turns = CASE NEW.type WHEN 'rewind' THEN ${turnsIn("NEW.conversation_id")} ELSE known.turns + excluded.turns END;${more}
     RETURN NULL;
   END $$`;

/** SQL for the function with the title that a message gives to its conversation. */
export const conversationTitle = `CREATE OR REPLACE FUNCTION conversation_title(payload text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
   BEGIN
     RETURN left(coalesce((SELECT part.value ->> 'text'
       FROM json_array_elements(${jsonOf("payload")} -> 'content') WITH ORDINALITY AS part (value, place)
       WHERE part.value ->> 'type' = 'text' ORDER BY part.place LIMIT 1), ''), ${titleLength});
   EXCEPTION WHEN OTHERS THEN
     RETURN ''; -- a message that is nested too deep for this database
   END $$`;

/**
 * Step of the migration, for PostgreSQL. Triggers write the rows, because hosts of an earlier version may still run while hosts are
 * updated, and so that a claim and the end of a turn need no further statement. The trigger does nothing for the other events of a turn.
 * `lower` knows only the letters of the database's language, so ICU is used if the server has it.
 */
export const postgresConversations = [
  conversationTitle,
  `DO $$ BEGIN
     EXECUTE format('CREATE FUNCTION lower_title(title text) RETURNS text LANGUAGE sql IMMUTABLE AS %L', 'SELECT lower(title'
       || CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_collation WHERE collname = 'und-x-icu') AND getdatabaseencoding() = 'UTF8' THEN ' COLLATE pg_catalog."und-x-icu"' ELSE '' END
       || ')');
   END $$`,
  `CREATE TABLE conversations (conversation_id text PRIMARY KEY, touched bigint NOT NULL, updated_at bigint NOT NULL, title text,
     title_lower text, workspace text NOT NULL DEFAULT '', turns integer NOT NULL DEFAULT 0)`,
  keepConversation(),
  fillConversations("true"),
  ...indexes("touched"),
  waitForTableLock,
  `CREATE TRIGGER events_changed AFTER INSERT ON events FOR EACH ROW
     WHEN ((NEW.position IS NULL OR NEW.type IN ('user_message', 'turn_end', 'turn_error'))
       AND current_setting('${copying}', true) IS DISTINCT FROM 'on')
     EXECUTE FUNCTION keep_conversation()`,
  "CREATE TRIGGER events_deleted AFTER DELETE ON events FOR EACH ROW WHEN (OLD.seq = 1) EXECUTE FUNCTION keep_conversation()",
  // CREATE TRIGGER waits for all writers and keeps new ones out. What was written while the table was filled is read now.
  fillConversations(
    `first.conversation_id IN (SELECT conversation_id FROM events WHERE id > (SELECT coalesce(max(touched), 0) - ${mostInFlight} FROM conversations))`,
  ),
  "DELETE FROM conversations WHERE NOT EXISTS (SELECT FROM events WHERE events.conversation_id = conversations.conversation_id AND seq = 1)",
];
