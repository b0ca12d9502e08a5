/** Titles, pins and versions of conversations, and answers that a search finds. These statements are the second step of the schema. */
import { searchedLength } from "../shared/conversation-facts.js";
import { copying, isListed, keptListChanges } from "../sql/conversation-statements.js";
import { jsonOf } from "../sql/postgres-json.js";

const isNewListed = isListed.replaceAll("conversation_id", "NEW.conversation_id");
const isNotCopied = `current_setting('${copying}', true) IS DISTINCT FROM 'on'`;

/** Returns SQL for a trigger. The names decide the order of the triggers of a table: `events_changed` makes the row of a conversation. */
const trigger = (name: string, when: string, run: string) =>
  `CREATE TRIGGER ${name} AFTER ${when} EXECUTE FUNCTION ${run}()`;

export const conversationLabels = [
  `ALTER TABLE conversations ADD COLUMN own_title text, ADD COLUMN model_title text, ADD COLUMN titled_turn text,
     ADD COLUMN version_family text, ADD COLUMN pinned integer NOT NULL DEFAULT 0, ADD COLUMN has_begun integer NOT NULL DEFAULT 1`,
  "CREATE INDEX conversations_pinned ON conversations (touched) WHERE pinned = 1",
  "CREATE INDEX conversations_versions ON conversations (version_family, touched) WHERE version_family IS NOT NULL",
  "CREATE TABLE list_changes (id bigserial PRIMARY KEY, conversation_id text NOT NULL)",
  `CREATE FUNCTION note_list_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
   DECLARE
     noted bigint;
   BEGIN
     IF TG_OP = 'DELETE' THEN
       INSERT INTO list_changes (conversation_id) VALUES (OLD.conversation_id) RETURNING id INTO noted;
     ELSE
       INSERT INTO list_changes (conversation_id) VALUES (NEW.conversation_id) RETURNING id INTO noted;
     END IF;
     DELETE FROM list_changes WHERE id <= noted - ${keptListChanges};
     RETURN NULL;
   END $$`,
  `CREATE FUNCTION begin_version() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
   BEGIN
     UPDATE conversations SET has_begun = 1 WHERE conversation_id = NEW.conversation_id AND has_begun = 0;
     RETURN NULL;
   END $$`,
  `CREATE FUNCTION answer_text(payload text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
   BEGIN
     RETURN left(coalesce(${jsonOf("payload")} #>> '{message,content}', ''), ${searchedLength});
   EXCEPTION WHEN OTHERS THEN
     RETURN '';
   END $$`,
  `CREATE FUNCTION search_answer() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
   BEGIN
     INSERT INTO searched SELECT NEW.conversation_id, NEW.seq, found.text
       FROM lower_title(answer_text(NEW.payload)) AS found (text) WHERE found.text <> '' ON CONFLICT DO NOTHING;
     RETURN NULL;
   END $$`,
  trigger(
    "conversations_labelled",
    "UPDATE OF own_title, model_title, pinned ON conversations FOR EACH ROW",
    "note_list_change",
  ),
  trigger("conversations_removed", "DELETE ON conversations FOR EACH ROW", "note_list_change"),
  trigger(
    "events_searched",
    `INSERT ON events FOR EACH ROW WHEN (NEW.type = 'assistant_message' AND ${isNewListed} AND ${isNotCopied})`,
    "search_answer",
  ),
  trigger(
    "events_questioned",
    "INSERT ON events FOR EACH ROW WHEN (NEW.type IN ('question', 'answer'))",
    "note_list_change",
  ),
  trigger(
    "events_started",
    `INSERT ON events FOR EACH ROW WHEN (NEW.type = 'user_message' AND ${isNotCopied})`,
    "begin_version",
  ),
];
