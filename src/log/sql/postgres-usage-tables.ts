/** The counters of usage in PostgreSQL: their tables, and the functions and triggers that write them. */
import { copying } from "./conversation-statements.js";
import { jsonOf } from "./postgres-json.js";
import { isCounted, placeOf, postgresFold } from "./usage-fold.js";
import { columnsOf, modelKind, toolKind, type UsageKind, usageKinds, usageSpans } from "./usage-tables.js";

function tablesOf({ rows, totals, changes, keys, counts }: UsageKind): string[] {
  const [keyColumns, countColumns] = [columnsOf(keys, "text"), columnsOf(counts, "float8")];
  return [
    `CREATE TABLE ${rows} (conversation_id text NOT NULL, at bigint NOT NULL, ${keyColumns}, ${countColumns})`,
    `CREATE INDEX ${rows}_conversation ON ${rows} (conversation_id)`,
    `CREATE INDEX ${rows}_at ON ${rows} (at)`,
    `CREATE TABLE ${totals} (span bigint NOT NULL, at bigint NOT NULL, ${keyColumns}, ${countColumns},
       PRIMARY KEY (span, at, ${keys.join(", ")}))`,
    `CREATE TABLE ${changes} (at bigint NOT NULL, ${keyColumns}, ${countColumns})`,
  ];
}

/** Returns the statement that stores the rows of the query `found`, and the changes of the totals. */
function rowsAdded({ rows, changes, keys, counts }: UsageKind, found: string): string {
  const names = [...keys, ...counts].join(", ");
  return `
     WITH added AS (INSERT INTO ${rows} (conversation_id, at, ${names}) SELECT owner, at, ${names} FROM (${found}) AS found RETURNING *)
     INSERT INTO ${changes} SELECT at, ${names} FROM added;`;
}

/** Returns the statement that removes the rows of a conversation and stores the changes of the totals. */
const rowsRemoved = ({ rows, changes, keys, counts }: UsageKind, conversation: string) => `
     WITH removed AS (DELETE FROM ${rows} WHERE conversation_id = ${conversation} RETURNING *)
     INSERT INTO ${changes} SELECT at, ${[...keys, ...counts.map((name) => `-${name}`)].join(", ")} FROM removed;`;

/** Returns the statement that adds the stored changes to the totals. */
const changesMerged = ({ totals, changes, keys, counts }: UsageKind) => `
     WITH merged AS (DELETE FROM ${changes} RETURNING *)
     INSERT INTO ${totals} AS total
     SELECT span, at / span * span, ${keys.join(", ")}, ${counts.map((name) => `sum(${name})`).join(", ")}
     FROM merged CROSS JOIN (VALUES ${usageSpans.map((span) => `(${span}::bigint)`).join(", ")}) AS spans (span)
     GROUP BY 1, 2, ${keys.join(", ")}
     ON CONFLICT (span, at, ${keys.join(", ")}) DO UPDATE SET ${counts.map((name) => `${name} = total.${name} + excluded.${name}`).join(", ")};`;

/**
 * Every 64th end of a turn merges the changes into the totals. If every end changed the totals, all hosts would wait for the locks of the same
 * few rows.
 */
const mergedEvery = 64;
/** Sequence that counts the ends of turns. Ids of events do not count them: if every turn has four events, maybe no end has a multiple of 64. */
const endings = "usage_endings";

/** SQL for the function that returns the payload of an event as JSON. */
const usageFacts = `CREATE FUNCTION usage_facts(payload text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
   BEGIN
     RETURN ${jsonOf("payload")}::jsonb;
   EXCEPTION WHEN OTHERS THEN
     RETURN '{}'; -- an event that is nested too deep for this database
   END $$`;

const isUncounted = "conversation_id = p_conversation AND seq > known.counted AND seq <= last_seq";
/** Returns the query of those events that `count_usage` counts and for which the condition holds. With OFFSET 0, a payload is parsed only once. */
const uncounted = (condition: string) => `
       SELECT conversation_id, conversation_id AS owner, seq, turn_id, type, at, octet_length(payload) AS bytes, usage_facts(payload) AS facts
       FROM events AS entry WHERE ${isUncounted} AND ${isCounted} AND ${condition}
         AND NOT EXISTS (SELECT FROM events AS other WHERE other.conversation_id = ANY (earlier)
           AND (${placeOf("other.", "other.seq")}) = (${placeOf("entry.", "entry.seq")})) OFFSET 0`;

/**
 * SQL for the function that counts the events of a conversation that are not counted yet. `earlier` has the older conversations of its family:
 * events that one of them has, too, are counted there.
 */
const countUsage = `CREATE FUNCTION count_usage(p_conversation text) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT
   SET plan_cache_mode = force_generic_plan AS $$
   DECLARE
     known record; last_seq integer; earlier text[] := '{}';
   BEGIN
     SELECT counted, family INTO known FROM conversations WHERE conversation_id = p_conversation FOR NO KEY UPDATE;
     SELECT max(seq) INTO last_seq FROM events WHERE conversation_id = p_conversation;
     IF last_seq IS NULL OR known.counted IS NULL OR known.counted >= last_seq THEN RETURN; END IF;
     IF known.family IS NOT NULL THEN
       earlier := ARRAY(SELECT other.conversation_id FROM conversations AS other
         JOIN events AS first ON first.conversation_id = other.conversation_id AND first.seq = 1
         WHERE (other.family = known.family OR other.conversation_id = known.family)
           AND first.id < (SELECT id FROM events WHERE conversation_id = p_conversation AND seq = 1));
     END IF;
     ${rowsAdded(modelKind, postgresFold.models(uncounted("type <> 'tool_result'")))}
     IF EXISTS (SELECT FROM events AS entry WHERE ${isUncounted} AND type = 'tool_result') THEN
       ${rowsAdded(toolKind, postgresFold.tools(uncounted("type = 'tool_result'")))}
     END IF;
     UPDATE conversations SET counted = last_seq WHERE conversation_id = p_conversation;
   END $$`;

/**
 * SQL for the function of the triggers. A fork gives its conversation a family, and other events, such as the end of a turn, have their
 * conversation counted. If a conversation is deleted, its usage is taken back and its copies are counted anew.
 */
const keepUsage = `CREATE FUNCTION keep_usage() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
   DECLARE
     root text; each text;
   BEGIN
     IF TG_OP = 'INSERT' AND NEW.type = 'fork' THEN
       UPDATE conversations SET family = usage_facts(NEW.payload) -> 'origins' ->> -1 WHERE conversation_id = NEW.conversation_id;
       RETURN NULL;
     END IF;
     IF TG_OP = 'INSERT' THEN
       PERFORM count_usage(NEW.conversation_id);
       IF nextval('${endings}') % ${mergedEvery} = 0 THEN PERFORM merge_usage(); END IF;
       RETURN NULL;
     END IF;
     SELECT coalesce(family, conversation_id) INTO root FROM conversations WHERE conversation_id = OLD.conversation_id;
     PERFORM FROM conversations WHERE family = root OR conversation_id IN (root, OLD.conversation_id) ORDER BY conversation_id FOR NO KEY UPDATE;
     ${usageKinds.map((kind) => rowsRemoved(kind, "OLD.conversation_id")).join("")}
     -- What its copies have in common with it is now theirs.
     FOR each IN SELECT conversation_id FROM conversations
       WHERE (family = root OR conversation_id = root) AND conversation_id <> OLD.conversation_id AND counted > 0 LOOP
       ${usageKinds.map((kind) => rowsRemoved(kind, "each")).join("")}
       UPDATE conversations SET counted = 0 WHERE conversation_id = each;
       PERFORM count_usage(each);
     END LOOP;
     IF nextval('${endings}') % ${mergedEvery} = 0 THEN PERFORM merge_usage(); END IF;
     RETURN NULL;
   END $$`;

/**
 * SQL for the trigger that keeps the counters. An event without a position belongs to no running turn, so no end of a turn will count
 * it.
 */
const countedTrigger = `CREATE TRIGGER events_counted AFTER INSERT ON events FOR EACH ROW
     WHEN ((NEW.type IN ('fork', 'turn_end', 'turn_error') OR NEW.position IS NULL AND NEW.${isCounted})
       AND current_setting('${copying}', true) IS DISTINCT FROM 'on')
     EXECUTE FUNCTION keep_usage()`;

/** SQL for the function that adds the stored changes to the totals, unless another transaction is doing so. */
const mergeUsage = `CREATE FUNCTION merge_usage() RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
   BEGIN
     PERFORM FROM usage_merge FOR UPDATE SKIP LOCKED;
     IF NOT FOUND THEN RETURN; END IF;
     ${usageKinds.map(changesMerged).join("")}
   END $$`;

/** Functions that lock several conversations lock them in the order of their ids, so that there is no deadlock. */
export const postgresUsage = [
  ...usageKinds.flatMap(tablesOf),
  // The row's lock lets only one transaction at a time merge changes.
  "CREATE TABLE usage_merge (is_locked boolean NOT NULL)",
  "INSERT INTO usage_merge VALUES (false)",
  `CREATE SEQUENCE ${endings}`,
  usageFacts,
  mergeUsage,
  countUsage,
  keepUsage,
  // Triggers of one event run in the order of their names: `events_changed` has made the row of `conversations` before, and
  // `events_deleted` deletes it afterwards.
  countedTrigger,
  "CREATE TRIGGER events_counted_off AFTER DELETE ON events FOR EACH ROW WHEN (OLD.seq = 1) EXECUTE FUNCTION keep_usage()",
];
