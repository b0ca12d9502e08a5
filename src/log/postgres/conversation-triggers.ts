/**
 * Functions and triggers that write the rows of `conversations` and `searched`, so that a claim and the end of a turn need no further statement. The
 * triggers do nothing for the other events of a turn.
 */
import { searchedLength, titleLength } from "../shared/conversation-facts.js";
import { isRewind } from "../sql/common-statements.js";
import { copying, isListed } from "../sql/conversation-statements.js";
import { jsonOf } from "../sql/postgres-json.js";

/** SQL for the number of turns of the conversation of the row NEW that no rewind removed. */
const turnsLeft = `(SELECT count(*) FROM events AS asked
  WHERE asked.conversation_id = NEW.conversation_id AND asked.type = 'user_message' AND NOT EXISTS (
    SELECT FROM events AS mark WHERE ${isRewind("mark")} AND mark.conversation_id = asked.conversation_id
      AND mark.seq > asked.seq AND (${jsonOf("mark.payload")} ->> 'toSeq')::integer < asked.seq))`;

const isNewListed = isListed.replaceAll("conversation_id", "NEW.conversation_id");

/** Returns SQL that joins or picks texts of a message. If its JSON is nested too deep for this database, it has no text. */
const textOf = (name: string, texts: string, length: number) =>
  `CREATE FUNCTION ${name}(payload text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
   BEGIN
     RETURN left(coalesce((SELECT ${texts}
       FROM json_array_elements(${jsonOf("payload")} -> 'content') WITH ORDINALITY AS part (value, place)
       WHERE part.value ->> 'type' = 'text'), ''), ${length});
   EXCEPTION WHEN OTHERS THEN
     RETURN '';
   END $$`;

/**
 * `lower` knows only the letters of the database's language, so ICU is used if the server has it. `keep_conversation` stores `search_path`, because
 * pg_restore runs triggers with an empty one. By its own choice, PostgreSQL would plan its statements at every end of a turn.
 */
export const conversationFunctions = [
  textOf("conversation_title", "(array_agg(part.value ->> 'text' ORDER BY part.place))[1]", titleLength),
  textOf("searched_text", "string_agg(part.value ->> 'text', E'\\n' ORDER BY part.place)", searchedLength),
  `DO $$ BEGIN
     EXECUTE format('CREATE FUNCTION lower_title(title text) RETURNS text LANGUAGE sql IMMUTABLE AS %L', 'SELECT lower(title'
       || CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_collation WHERE collname = 'und-x-icu') AND getdatabaseencoding() = 'UTF8' THEN ' COLLATE pg_catalog."und-x-icu"' ELSE '' END
       || ')');
   END $$`,
  `CREATE FUNCTION keep_conversation() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT SET plan_cache_mode = force_generic_plan AS $$
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
       IF ${isNewListed} THEN new_title := conversation_title(NEW.payload); END IF;
       new_turns := 1;
       SELECT workspace INTO new_workspace FROM turns WHERE conversation_id = NEW.conversation_id AND turn_id = NEW.turn_id;
     END IF;
     INSERT INTO conversations AS known (conversation_id, touched, updated_at, title, title_lower, workspace, turns)
       VALUES (NEW.conversation_id, NEW.id, NEW.at, new_title, lower_title(new_title), coalesce(new_workspace, ''), new_turns)
       ON CONFLICT (conversation_id) DO UPDATE SET touched = excluded.touched, updated_at = excluded.updated_at,
         title = coalesce(known.title, excluded.title), title_lower = coalesce(known.title_lower, excluded.title_lower),
         workspace = coalesce(new_workspace, known.workspace),
         turns = CASE NEW.type WHEN 'rewind' THEN ${turnsLeft} ELSE known.turns + excluded.turns END;
     IF NOT (${isNewListed}) THEN RETURN NULL; END IF;
     IF NEW.type = 'user_message' THEN
       INSERT INTO searched SELECT NEW.conversation_id, NEW.seq, found.text
         FROM lower_title(searched_text(NEW.payload)) AS found (text) WHERE found.text <> '' ON CONFLICT DO NOTHING;
     ELSIF NEW.type = 'rewind' THEN
       DELETE FROM searched WHERE conversation_id = NEW.conversation_id AND seq > (${jsonOf("NEW.payload")} ->> 'toSeq')::integer;
       INSERT INTO searched SELECT conversation_id, 0, title_lower FROM conversations
         WHERE conversation_id = NEW.conversation_id AND title_lower <> '' ON CONFLICT DO NOTHING;
     END IF;
     RETURN NULL;
   END $$`,
];

export const conversationTriggers = [
  `CREATE TRIGGER events_changed AFTER INSERT ON events FOR EACH ROW
     WHEN ((NEW.position IS NULL OR NEW.type IN ('user_message', 'turn_end', 'turn_error'))
       AND current_setting('${copying}', true) IS DISTINCT FROM 'on')
     EXECUTE FUNCTION keep_conversation()`,
  "CREATE TRIGGER events_deleted AFTER DELETE ON events FOR EACH ROW WHEN (OLD.seq = 1) EXECUTE FUNCTION keep_conversation()",
];
