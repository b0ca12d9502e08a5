/**
 * SQL functions for the limits that hosts share. Each call takes one round trip. Each function first locks the row of its key, so that it
 * then reads current data. All times come from the database's clock. Slots (`held`) of a node that is no longer in `nodes` do not count.
 */

/** Channel on which hosts are notified that slots have become free. The payload is ignored, because any role can send to this channel. */
export const freedChannel = "mcp_platform_limits";

/**
 * Time, in seconds, for which a request counts: the 60 s of the limit, plus 1 s because times are rounded to seconds, plus 1 s for the
 * transmission to the provider.
 */
const windowSeconds = 62;

const lockKey = `INSERT INTO limit_keys (key_hash) SELECT p_key WHERE NOT EXISTS (SELECT FROM limit_keys WHERE key_hash = p_key)
    ON CONFLICT DO NOTHING;
  SELECT paused_until, paused_for INTO paused, asked_ms FROM limit_keys WHERE key_hash = p_key FOR UPDATE;
  now_ms := extract(epoch FROM clock_timestamp()) * 1000;
  IF paused - now_ms > asked_ms THEN paused := 0; END IF;`;

/** Column for how long the pause was to take when it was set. If more of it is left, the database's clock was set back, and the pause is over. */
export const pauseLength = "ALTER TABLE limit_keys ADD COLUMN paused_for bigint";

export const limitTables: readonly string[] = [
  "CREATE TABLE limit_keys (key_hash text PRIMARY KEY, paused_until bigint NOT NULL DEFAULT 0)",
  // Columns: `round` is the number of the node's last report. `change` increases with each change of the node's slots. `change` starts at
  // the current time, so that a row that is created later has higher values. `since` is when the node began to wait or last got a slot.
  `CREATE TABLE limit_leases (key_hash text NOT NULL, node_id text NOT NULL, held integer NOT NULL, waiting integer NOT NULL,
     since timestamptz NOT NULL, round bigint NOT NULL, change bigint NOT NULL, PRIMARY KEY (key_hash, node_id))`,
  `CREATE TABLE limit_spent (key_hash text NOT NULL, second bigint NOT NULL, requests integer NOT NULL, tokens bigint NOT NULL,
     PRIMARY KEY (key_hash, second))`,
];

export const limitFunctions: readonly string[] = [
  /*
   * Stores how many slots the node uses and how many of its requests wait. Slots that the node no longer uses become free. Free slots are
   * given out one by one to the waiting node that has the fewest slots. If several nodes have equally few, the node that has waited longest
   * gets the slot. If `p_keeps` is true, the node keeps slots that are still free for its next requests, up to its share. Returns no row if
   * the node is unknown, or if the database already has this report or a later one.
   */
  `CREATE OR REPLACE FUNCTION limit_places(p_key text, p_node text, p_round bigint, p_max integer, p_used integer, p_waiting integer,
     p_keeps boolean, p_channel text)
   RETURNS TABLE (places integer, as_of double precision, is_wanted boolean, paused_ms double precision) LANGUAGE plpgsql AS $$
   #variable_conflict use_column
   DECLARE
     paused bigint; asked_ms bigint; now_ms bigint; free integer; given integer; waiting_before integer;
     mine limit_leases; next limit_leases; lucky text[] := '{}';
   BEGIN
     ${lockKey}
     IF NOT EXISTS (SELECT FROM nodes WHERE node_id = p_node) THEN RETURN; END IF;
     SELECT * INTO mine FROM limit_leases WHERE key_hash = p_key AND node_id = p_node;
     IF mine.round >= p_round THEN RETURN; END IF;
     waiting_before := coalesce(mine.waiting, 0);
     INSERT INTO limit_leases (key_hash, node_id, held, waiting, since, round, change)
       VALUES (p_key, p_node, p_used, p_waiting, clock_timestamp(), p_round, now_ms * 1000)
       ON CONFLICT (key_hash, node_id) DO UPDATE SET held = p_used, waiting = p_waiting, round = p_round,
         change = limit_leases.change + 1,
         since = CASE limit_leases.waiting WHEN 0 THEN excluded.since ELSE limit_leases.since END;
     SELECT p_max - coalesce(sum(held), 0) INTO free FROM limit_leases JOIN nodes USING (node_id) WHERE key_hash = p_key;
     WHILE free > 0 LOOP
       SELECT lease.* INTO next FROM limit_leases AS lease JOIN nodes USING (node_id)
         WHERE key_hash = p_key AND waiting > 0 ORDER BY held, since LIMIT 1;
       EXIT WHEN NOT FOUND;
       SELECT CASE count(*) WHEN 1 THEN least(free, next.waiting) ELSE 1 END INTO given
         FROM limit_leases JOIN nodes USING (node_id) WHERE key_hash = p_key AND waiting > 0;
       UPDATE limit_leases SET held = held + given, waiting = waiting - given, change = change + 1, since = clock_timestamp()
         WHERE key_hash = p_key AND node_id = next.node_id;
       IF next.node_id <> p_node THEN lucky := lucky || next.node_id; END IF;
       free := free - given;
     END LOOP;
     IF free > 0 AND p_keeps THEN
       UPDATE limit_leases SET held = held + greatest(0, least(free, p_max / (SELECT count(*) FROM nodes)::integer - held))
         WHERE key_hash = p_key AND node_id = p_node;
     END IF;
     PERFORM pg_notify(p_channel, json_build_object('key', p_key, 'node', node_id, 'places', held, 'as_of', change)::text)
       FROM limit_leases WHERE key_hash = p_key AND node_id = ANY (lucky);
     SELECT * INTO mine FROM limit_leases WHERE key_hash = p_key AND node_id = p_node;
     IF mine.waiting > waiting_before THEN
       PERFORM pg_notify(p_channel, json_build_object('key', p_key, 'wanted_by', p_node)::text);
     END IF;
     RETURN QUERY SELECT mine.held, mine.change::double precision,
       EXISTS (SELECT FROM limit_leases JOIN nodes USING (node_id) WHERE key_hash = p_key AND waiting > 0 AND node_id <> p_node),
       greatest(0, paused - now_ms)::double precision;
   END $$`,

  /*
   * Charges a request at the earliest second, after all earlier requests, at which the limits allow it. Returns how long the request must
   * wait. If the wait (pauses not included) would be longer than `p_patience_ms`, `second` is null and nothing is charged. Requests that wait
   * are charged after one that does not, or that waits for the end of a pause. If there is none, the database's clock was set back, and the
   * charges are deleted.
   */
  `CREATE OR REPLACE FUNCTION limit_spend(p_key text, p_rpm double precision, p_tpm double precision, p_tokens bigint, p_patience_ms double precision)
   RETURNS TABLE (wait_ms double precision, second double precision, bound text) LANGUAGE plpgsql AS $$
   #variable_conflict use_column
   DECLARE
     paused bigint; asked_ms bigint; now_ms bigint; begins_ms bigint; by_rpm bigint; by_tpm bigint; goes_ms bigint;
   BEGIN
     ${lockKey}
     DELETE FROM limit_spent WHERE key_hash = p_key AND (second <= now_ms / 1000 - ${windowSeconds} OR NOT EXISTS (
       SELECT FROM limit_spent AS earliest WHERE earliest.key_hash = p_key AND earliest.second <= greatest(now_ms, paused) / 1000));
     SELECT max(second) + ${windowSeconds} INTO by_rpm FROM (
       SELECT second, sum(requests) OVER (ORDER BY second DESC) AS total FROM limit_spent WHERE key_hash = p_key
     ) AS spent WHERE total + 1 > p_rpm;
     SELECT max(second) + ${windowSeconds} INTO by_tpm FROM (
       SELECT second, sum(tokens) OVER (ORDER BY second DESC) AS total FROM limit_spent WHERE key_hash = p_key
     ) AS spent WHERE total > 0 AND total + least(p_tokens, p_tpm) > p_tpm;
     begins_ms := greatest(now_ms, paused);
     goes_ms := greatest(begins_ms, coalesce(by_rpm, 0) * 1000, coalesce(by_tpm, 0) * 1000,
       (SELECT max(second) * 1000 FROM limit_spent WHERE key_hash = p_key));
     bound := CASE WHEN coalesce(by_rpm, 0) >= coalesce(by_tpm, 0) AND p_rpm IS NOT NULL THEN 'rpm' ELSE 'tpm' END;
     IF goes_ms - begins_ms > p_patience_ms THEN
       RETURN QUERY SELECT (goes_ms - now_ms)::double precision, NULL::double precision, bound;
       RETURN;
     END IF;
     INSERT INTO limit_spent (key_hash, second, requests, tokens) VALUES (p_key, goes_ms / 1000, 1, p_tokens)
       ON CONFLICT (key_hash, second) DO UPDATE SET requests = limit_spent.requests + 1, tokens = limit_spent.tokens + p_tokens;
     RETURN QUERY SELECT (goes_ms - now_ms)::double precision, (goes_ms / 1000)::double precision, bound;
   END $$`,

  /*
   * Corrects earlier charges, because an estimate was wrong or a request was never sent. The arrays have one item per corrected second: the
   * second, and the numbers to add to its requests and tokens.
   */
  `CREATE OR REPLACE FUNCTION limit_correct(p_key text, p_seconds bigint[], p_requests integer[], p_tokens bigint[]) RETURNS void LANGUAGE plpgsql AS $$
   #variable_conflict use_column
   DECLARE
     paused bigint; asked_ms bigint; now_ms bigint;
   BEGIN
     ${lockKey}
     UPDATE limit_spent SET requests = limit_spent.requests + given.requests, tokens = limit_spent.tokens + given.tokens
       FROM unnest(p_seconds, p_requests, p_tokens) AS given (second, requests, tokens)
       WHERE key_hash = p_key AND limit_spent.second = given.second;
   END $$`,

  `CREATE OR REPLACE FUNCTION limit_pause(p_key text, p_node text, p_for_ms double precision, p_channel text) RETURNS void LANGUAGE plpgsql AS $$
   #variable_conflict use_column
   DECLARE
     paused bigint; asked_ms bigint; now_ms bigint;
   BEGIN
     ${lockKey}
     paused := greatest(paused, now_ms + p_for_ms::bigint);
     UPDATE limit_keys SET paused_until = paused, paused_for = paused - now_ms WHERE key_hash = p_key;
     PERFORM pg_notify(p_channel, json_build_object('key', p_key, 'paused_by', p_node, 'paused_ms', p_for_ms)::text);
   END $$`,
];
