import type { Cluster } from "./cluster.js";

/** The start of a period in which a process holds a turn; `pid` is null if no process does. */
export interface TurnOwnership {
  turnId: string;
  pid: number | null;
  fence: number;
  at: number;
}

const databaseNow = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/** Makes the database record which node holds which turn. */
export async function watchCustody(cluster: Cluster): Promise<void> {
  const statements = [
    "CREATE TABLE seen_nodes (node_id text PRIMARY KEY, pid integer)",
    "CREATE TABLE custody (conversation_id text, turn_id text, node_id text, fence integer, at bigint)",
    "CREATE INDEX custody_conversation ON custody (conversation_id)",
    `CREATE FUNCTION see_node() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       INSERT INTO seen_nodes VALUES (NEW.node_id, NEW.pid) ON CONFLICT DO NOTHING; RETURN NULL; END $$`,
    "CREATE TRIGGER see_node AFTER INSERT ON nodes FOR EACH ROW EXECUTE FUNCTION see_node()",
    "INSERT INTO seen_nodes SELECT node_id, pid FROM nodes ON CONFLICT DO NOTHING",
    `CREATE FUNCTION see_custody() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       INSERT INTO custody VALUES (NEW.conversation_id, NEW.turn_id,
         CASE NEW.state WHEN 'running' THEN NEW.node_id END, NEW.fence, ${databaseNow}); RETURN NULL; END $$`,
    "CREATE TRIGGER see_first AFTER INSERT ON turns FOR EACH ROW WHEN (NEW.fence > 0) EXECUTE FUNCTION see_custody()",
    "CREATE TRIGGER see_custody AFTER UPDATE ON turns FOR EACH ROW WHEN (NEW.fence <> OLD.fence) EXECUTE FUNCTION see_custody()",
  ];
  for (const statement of statements) await cluster.query(statement);
}

/** Returns the records in the order of fences. */
export async function custodyOf(cluster: Cluster, conversationPrefix: string): Promise<TurnOwnership[]> {
  const rows = await cluster.query<{ turn_id: string; pid: number | null; fence: number; at: string }>(
    `SELECT turn_id, pid, fence, at FROM custody LEFT JOIN seen_nodes USING (node_id)
     WHERE starts_with(conversation_id, $1) ORDER BY turn_id, fence`,
    [conversationPrefix],
  );
  return rows.map(({ turn_id, pid, fence, at }) => ({ turnId: turn_id, pid, fence, at: Number(at) }));
}

/** Returns whether this process held the turn at that time. */
export function hadIt(custody: readonly TurnOwnership[], turnId: string, pid: number, at: number): boolean {
  return custody.findLast((each) => each.turnId === turnId && each.at <= at)?.pid === pid;
}

/** Returns a line for each event and each change of the turn's holder, in the order of time. */
export async function traceOf(cluster: Cluster, conversationPrefix: string): Promise<string> {
  const rows = await cluster.query<{ at: string; conversation_id: string; turn_id: string; what: string }>(
    `SELECT at, conversation_id, turn_id, 'goes to ' || coalesce(pid::text, 'nobody') || ', fence ' || fence AS what
     FROM custody LEFT JOIN seen_nodes USING (node_id) WHERE starts_with(conversation_id, $1)
     UNION ALL SELECT at, conversation_id, turn_id, seq || ' ' || type FROM events WHERE starts_with(conversation_id, $1) ORDER BY at`,
    [conversationPrefix],
  );
  return rows.map(({ at, conversation_id, turn_id, what }) => `${at} ${conversation_id} ${turn_id} ${what}`).join("\n");
}
