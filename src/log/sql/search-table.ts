/**
 * The table `searched` with its index: the texts by which a search finds conversations, see `searchedTexts`. They are written in the same
 * transaction as their message. The index knows which texts contain which three characters in a row. A search looks up the texts that
 * contain all such parts of what is searched for, and then compares these texts.
 *
 * `search_fill` has a row while messages that are older than the index are added to it, see `shared/search-fill.ts`.
 */
import { searchedLength } from "../shared/conversation-facts.js";
import { isListed } from "./conversation-statements.js";
import { keepConversation } from "./conversation-table.js";
import { jsonOf } from "./postgres-json.js";

/**
 * Step of the migration, for SQLite. `entry` is the `id` of the message in `entries`. The index is kept by a number of its own, because it
 * stores the distances between numbers: with `entry`, it would be three times as large. It stores no texts and no positions in them.
 */
export const sqliteSearch = [
  "CREATE TABLE searched (id integer PRIMARY KEY, entry integer NOT NULL UNIQUE, text text NOT NULL) STRICT",
  `CREATE VIRTUAL TABLE search_index USING fts5 (text, content = '', columnsize = 0, detail = none, tokenize = 'trigram case_sensitive 1')`,
  `CREATE TRIGGER searched_added AFTER INSERT ON searched BEGIN
     INSERT INTO search_index (rowid, text) VALUES (NEW.id, NEW.text); END`,
  `CREATE TRIGGER searched_removed AFTER DELETE ON searched BEGIN
     INSERT INTO search_index (search_index, rowid, text) VALUES ('delete', OLD.id, OLD.text); END`,
  "CREATE TABLE search_fill (request_id text NOT NULL, entry integer NOT NULL, done integer NOT NULL, total integer NOT NULL) STRICT",
  `INSERT INTO search_fill SELECT '', 0, 0, count(*) FROM entries INDEXED BY entries_request WHERE request_id IS NOT NULL HAVING count(*) > 0`,
];

/**
 * Removes two indexes of each event, for PostgreSQL. They took 280 bytes of an event of 1,000 bytes. The events of a turn are found between
 * its request and the end of its conversation. A second event with the same position cannot come, because the writer holds the lock of the
 * conversation, and `seq` is unique.
 */
const fewerPostgresIndexes = ["DROP INDEX IF EXISTS events_turn", "DROP INDEX IF EXISTS events_position"];

/** SQL for the function with the text by which a search finds a message, before `lower_title`. */
export const searchedText = `CREATE OR REPLACE FUNCTION searched_text(payload text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
   BEGIN
     RETURN left(coalesce((SELECT string_agg(part.value ->> 'text', E'\\n' ORDER BY part.place)
       FROM json_array_elements(${jsonOf("payload")} -> 'content') WITH ORDINALITY AS part (value, place)
       WHERE part.value ->> 'type' = 'text'), ''), ${searchedLength});
   EXCEPTION WHEN OTHERS THEN
     RETURN ''; -- a message that is nested too deep for this database
   END $$`;

/** SQL for the function of the triggers that keep the rows of `conversations` and `searched`. */
export const keepSearched = keepConversation(`
     IF ${isListed.replaceAll("conversation_id", "NEW.conversation_id")} THEN
       IF NEW.type = 'user_message' THEN
         INSERT INTO searched SELECT NEW.conversation_id, NEW.seq, found.text
           FROM lower_title(searched_text(NEW.payload)) AS found (text) WHERE found.text <> '' ON CONFLICT DO NOTHING;
       ELSIF NEW.type = 'rewind' THEN
         DELETE FROM searched WHERE conversation_id = NEW.conversation_id AND seq > (${jsonOf("NEW.payload")} ->> 'toSeq')::integer;
         INSERT INTO searched SELECT conversation_id, 0, title_lower FROM conversations
           WHERE conversation_id = NEW.conversation_id AND title_lower <> '' ON CONFLICT DO NOTHING;
       END IF;
     END IF;`);

/**
 * SQL for the function whose result the index has for each text. It does what the extension pg_trgm does, because only some roles may create an
 * extension. It is in plpgsql: a function in SQL is parsed again at each insertion, to see whether it can be a part of the index's expression.
 */
export const searchGrams = `CREATE OR REPLACE FUNCTION search_grams(text text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
   BEGIN
     RETURN (SELECT coalesce(array_agg(DISTINCT letters[place] || letters[place + 1] || letters[place + 2]), '{}')
       FROM (SELECT string_to_array(text, NULL) AS letters) AS split, generate_series(1, cardinality(letters) - 2) AS place);
   END $$`;

/**
 * Step of the migration, for PostgreSQL. The index collects new texts until they fill 256 KB, and then adds them together. With the default of 4 MB, every search would
 * read so much, and the message that adds them would wait for a second.
 */
export const postgresSearch = [
  ...fewerPostgresIndexes,
  searchedText,
  searchGrams,
  `CREATE TABLE searched (conversation_id text NOT NULL REFERENCES conversations ON DELETE CASCADE, seq integer NOT NULL, text text NOT NULL,
     CONSTRAINT searched_key PRIMARY KEY (conversation_id, seq))`,
  "CREATE INDEX searched_grams ON searched USING gin (search_grams(text)) WITH (gin_pending_list_limit = 256)",
  "CREATE TABLE search_fill (conversation_id text NOT NULL, done bigint NOT NULL, total bigint NOT NULL)",
  keepSearched,
  "INSERT INTO search_fill SELECT '', 0, count(*) FROM conversations HAVING count(*) > 0",
];
