/**
 * Makes event logs of any size by direct inserts: a million conversations take minutes. A conversation is one turn: the message, answers that
 * call a tool, the calls with their results, and the end. The counters of usage and the totals of what was spent are inserted as well, as the
 * host would have counted them.
 */

const twoYearsMs = 730 * 24 * 60 * 60 * 1000;
const quarterMs = 15 * 60 * 1000;
const hourMs = 4 * quarterMs;
const dayMs = 24 * hourMs;
const inTransaction = 10_000;
const usageColumns =
  "requests, input_tokens, output_tokens, reasoning_tokens, cached_tokens, cache_write_tokens, estimated_tokens, usd, unpriced";
const spentColumns = "tokens, usd, unpriced, estimated";
const spentSums = "sum(input_tokens + output_tokens), sum(usd), 0, 0";
const toolColumns = "calls, errors, duration_ms, result_bytes";

/** SQL for the title of the conversation with the number `n`. */
const title = "'Weather of the day, in number ' || n || ' of the towns'";

/**
 * Fills the empty log in this file. `connect` opens a file. `log` says what it consists of: the number of `conversations`, the `events` of
 * each, which are at least 3, `eventBytes` (the size of an event's JSON, 1,000 by default) and `periodMs`, over which the conversations are
 * spread. The period ends now and is two years by default.
 */
export async function fillFile(path, log, connect) {
  const db = await connect(path);
  db.exec(
    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; CREATE TEMP TABLE kinds (seq integer, type text, payload text, extra integer)",
  );
  const add = db.prepare("INSERT INTO kinds VALUES (?, ?, ?, ?)");
  for (const kind of kindsOf(log, { isShort: true })) add.run(...kind);
  const at = atOf(log, "integer");
  for (const [from, to] of partsOf(log)) {
    const numbers = `WITH RECURSIVE numbers(n) AS (VALUES (${from}) UNION ALL SELECT n + 1 FROM numbers WHERE n < ${to})`;
    const counted = ["at", "number", "counted"];
    db.exec("BEGIN");
    db.exec(`INSERT INTO conversations (number, conversation_id, touched, updated_at, title, title_lower, workspace, turns, counted) ${numbers}
      SELECT n, 'conv_' || n, n, ${at}, ${title}, lower(${title}), '/home/someone', 1, ${log.events} FROM numbers`);
    db.exec(`INSERT INTO searched (entry, text) ${numbers} SELECT n << 32 | 1, lower(${title}) FROM numbers`);
    db.exec(`INSERT INTO entries (id, turn_id, type, request_id, payload, at, position) ${numbers}
      SELECT n << 32 | seq, 'turn_' || n, type, CASE seq WHEN 1 THEN 'request_' || n END, replace(payload, '@', n), ${at}, seq
      FROM numbers CROSS JOIN kinds`);
    db.exec(`INSERT INTO usage_models (${counted}, provider, model, ${usageColumns}) ${numbers}
      SELECT ${quarterOf(at)}, n, ${log.events}, 'demo', 'demo-1', ${usageOf(log)} FROM numbers`);
    db.exec(`INSERT INTO usage_tools (${counted}, name, ${toolColumns}) ${numbers}
      SELECT ${quarterOf(at)}, n, ${log.events}, 'weather__now', count(*), 0, 0,
        sum(length(replace(payload, '@', n)) + extra + length('turn_' || n))
      FROM numbers CROSS JOIN kinds WHERE type = 'tool_result' GROUP BY n`);
    db.exec("COMMIT");
  }
  db.exec(`INSERT INTO spent_totals (at, ${spentColumns}) SELECT at, ${spentSums} FROM usage_models GROUP BY at`);
  db.exec("DROP TABLE kinds");
  db.close();
}

/** Fills the empty log in this database, see `fillFile`. */
export async function fillDatabase(url, log) {
  const { default: pg } = await import("pg");
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query("SET session_replication_role = replica"); // without triggers
  await client.query("CREATE TEMP TABLE kinds (seq integer, type text, payload text)");
  for (const [seq, type, payload] of kindsOf(log)) {
    await client.query("INSERT INTO kinds VALUES ($1, $2, $3)", [seq, type, payload]);
  }
  const at = atOf(log, "bigint");
  for (const [from, to] of partsOf(log)) {
    const numbers = `generate_series(${from}::bigint, ${to}) AS numbers (n)`;
    await client.query(`INSERT INTO turns (conversation_id, turn_id, request_id, state, place, workspace, options)
      SELECT 'conv_' || n, 'turn_' || n, 'request_' || n, 'ended', 1, '/home/someone', '{}' FROM ${numbers}`);
    await client.query(`INSERT INTO events (conversation_id, seq, turn_id, type, request_id, payload, at, position)
      SELECT 'conv_' || n, seq, 'turn_' || n, type, CASE seq WHEN 1 THEN 'request_' || n END, replace(payload, '@', n::text), ${at}, seq
      FROM ${numbers} CROSS JOIN kinds ORDER BY n, seq`);
    await client.query(`INSERT INTO conversations
        (conversation_id, touched, updated_at, title, title_lower, workspace, turns, counted)
      SELECT 'conv_' || n, n, ${at}, ${title}, lower(${title}), '/home/someone', 1, ${log.events} FROM ${numbers}`);
    await client.query(`INSERT INTO searched SELECT 'conv_' || n, 1, lower(${title}) FROM ${numbers}`);
    await client.query(`INSERT INTO usage_models (conversation_id, at, provider, model, ${usageColumns})
      SELECT 'conv_' || n, ${quarterOf(at)}, 'demo', 'demo-1', ${usageOf(log)} FROM ${numbers}`);
    await client.query(`INSERT INTO usage_tools (conversation_id, at, name, ${toolColumns})
      SELECT 'conv_' || n, ${quarterOf(at)}, 'weather__now', count(*), 0, 0, sum(octet_length(replace(payload, '@', n::text)))
      FROM ${numbers} CROSS JOIN kinds WHERE type = 'tool_result' GROUP BY n`);
  }
  for (const [rows, totals, key, counts] of [
    ["usage_models", "usage_model_totals", "provider, model", usageColumns],
    ["usage_tools", "usage_tool_totals", "name", toolColumns],
  ]) {
    for (const span of [quarterMs, hourMs, dayMs]) {
      const sums = counts.split(", ").map((name) => `sum(${name})`);
      await client.query(`INSERT INTO ${totals} (span, at, ${key}, ${counts})
        SELECT ${span}, at / ${span} * ${span}, ${key}, ${sums.join(", ")} FROM ${rows} GROUP BY 2, ${key}`);
    }
  }
  await client.query(
    `INSERT INTO spent_totals (at, shard, ${spentColumns}) SELECT at, 0, ${spentSums} FROM usage_models GROUP BY at`,
  );
  await client.query("DROP TABLE kinds");
  await client.query("VACUUM ANALYZE"); // what autovacuum does in a log that has grown for a year
  await client.end();
}

/** Returns SQL for the time of the conversation with the number `n`, in ms. */
function atOf({ conversations, periodMs = twoYearsMs }, type) {
  return `CAST(${Date.now()} - (${conversations} - n) * ${periodMs / conversations} AS ${type})`;
}

const quarterOf = (at) => `${at} / ${quarterMs} * ${quarterMs}`;

/** Returns SQL for the values of `usageColumns`. */
function usageOf({ events }) {
  const answers = typesOf(events).filter((type) => type === "assistant_message").length;
  return `${answers}, ${answers * 1_000}, ${answers * 100}, 0, 0, 0, 0, ${answers / 1_024}, 0`;
}

function* partsOf({ conversations }) {
  for (let from = 1; from <= conversations; from += inTransaction) {
    yield [from, Math.min(conversations, from + inTransaction - 1)];
  }
}

/** Returns the type of each event: the message, then an answer, its call and the result of the call, over and over, then the end. */
function typesOf(events) {
  const steps = ["tool_result", "assistant_message", "tool_sent"];
  return Array.from({ length: events }, (_, index) => {
    if (index === 0) return "user_message";
    return index === events - 1 ? "turn_end" : steps[index % 3];
  });
}

/**
 * Returns the events of a conversation as rows of `kinds`. In their JSON, `@` stands for the number of the conversation. `isShort`: without
 * the type and the turn, as a file has them; the fourth column then is the size of what is left out, without the turn's id.
 */
function kindsOf({ events, eventBytes = 1_000 }, { isShort = false } = {}) {
  return typesOf(events).map((type, index) => {
    const fields = fieldsOf(type, `call_${Math.floor((index + 1) / 3)}`);
    const whole = (filling) => JSON.stringify({ type, turnId: "turn_@", ...fields, filling });
    const filling = "x".repeat(Math.max(0, eventBytes - whole("").length));
    const payload = isShort ? JSON.stringify({ ...fields, filling }) : whole(filling);
    return [index + 1, type, payload, `"type":"","turnId":"",${type}`.length];
  });
}

function fieldsOf(type, callId) {
  const text = (value) => [{ type: "text", text: value }];
  switch (type) {
    case "user_message":
      return { requestId: "request_@", content: text("Weather of the day, in number @ of the towns") };
    case "turn_end":
      return { stopReason: "end_turn" };
    case "tool_sent":
      return { callId };
    case "tool_result":
      return { callId, name: "weather__now", content: text("rain"), isError: false };
    default:
      return {
        message: { role: "assistant", content: "Let me see.", toolCalls: [] },
        ...{ finishReason: "tool_calls", provider: "demo", model: "demo-1", attempts: 1 },
        usage: { inputTokens: 1_000, outputTokens: 100 },
        spent: { tokens: 1_100, usd: 1 / 1_024 },
      };
  }
}
