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
const modelColumns = ["requests", "input_tokens", "output_tokens", "usd"];
const toolColumns = ["calls", "result_bytes"];
const counts = [
  ...["requests", "input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "cache_write_tokens"],
  ...["estimated_tokens", "usd", "unpriced", "calls", "errors", "duration_ms", "result_bytes"],
];
const spentColumns = "tokens, usd, unpriced, estimated";
const spentSums = "sum(input_tokens + output_tokens), sum(usd), 0, 0";

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
    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; CREATE TEMP TABLE kinds (seq integer, type text, payload text)",
  );
  const add = db.prepare("INSERT INTO kinds VALUES (?, ?, ?)");
  for (const kind of kindsOf(log, { isShort: true })) add.run(...kind);
  const at = atOf(log, "integer");
  for (const [from, to] of partsOf(log)) {
    const numbers = `WITH RECURSIVE numbers(n) AS (VALUES (${from}) UNION ALL SELECT n + 1 FROM numbers WHERE n < ${to})`;
    db.exec("BEGIN");
    db.exec(`INSERT INTO conversations (number, conversation_id, touched, updated_at, title, title_lower, workspace, turns, counted) ${numbers}
      SELECT n, 'conv_' || n, n, ${at}, ${title}, lower(${title}), '/home/someone', 1, ${log.events} FROM numbers`);
    db.exec(`INSERT INTO searched (entry, text) ${numbers} SELECT n << 32 | 1, lower(${title}) FROM numbers`);
    db.exec(`INSERT INTO entries (id, turn_id, type, request_id, payload, at, position) ${numbers}
      SELECT n << 32 | seq, 'turn_' || n, type, CASE seq WHEN 1 THEN 'request_' || n END, replace(payload, '@', n), ${at}, seq
      FROM numbers CROSS JOIN kinds`);
    for (const sql of usageOf(log, { at, numbers: "numbers" }))
      db.exec(`INSERT INTO usage_counts (${usageNames}) ${numbers} ${sql}`);
    db.exec("COMMIT");
  }
  for (const sql of totals) db.exec(sql);
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
    for (const sql of usageOf(log, { at, numbers }))
      await client.query(`INSERT INTO usage_counts (${usageNames}) ${sql}`);
  }
  for (const sql of totals) await client.query(sql);
  await client.query("DROP TABLE kinds");
  await client.query("VACUUM ANALYZE"); // what autovacuum does in a log that has grown for a year
  await client.end();
}

/** Returns SQL for the time of the conversation with the number `n`, in ms. */
function atOf({ conversations, periodMs = twoYearsMs }, type) {
  return `CAST(${Date.now()} - (${conversations} - n) * ${periodMs / conversations} AS ${type})`;
}

const quarterOf = (at) => `${at} / ${quarterMs} * ${quarterMs}`;

const usageNames = `span, at, owner, kind, provider, name, ${counts.join(", ")}`;

/** Returns the queries of the rows of `usage_counts` of the conversations. `numbers`: SQL for their numbers. */
function usageOf(log, { at, numbers }) {
  const types = typesOf(log.events);
  const answers = types.filter((type) => type === "assistant_message").length;
  const calls = types.filter((type) => type === "tool_result").length;
  const { content } = fieldsOf("tool_result");
  const model = [answers, answers * 1_000, answers * 100, answers / 1_024];
  const tool = [calls, calls * JSON.stringify(content).length];
  const row = (keys, columns, values) =>
    `SELECT 0, ${quarterOf(at)}, 'conv_' || n, ${keys}, ${counts.map((name) => values[columns.indexOf(name)] ?? 0).join(", ")} FROM ${numbers}`;
  return [
    row("'model', 'demo', 'demo-1'", modelColumns, model),
    ...(calls > 0 ? [row("'tool', '', 'weather__now'", toolColumns, tool)] : []),
  ];
}

/** SQL that makes the totals from the rows of the conversations. */
const totals = [
  ...[quarterMs, hourMs, dayMs].map(
    (span) => `INSERT INTO usage_counts (${usageNames})
      SELECT ${span}, at / ${span} * ${span}, '', kind, provider, name, ${counts.map((name) => `sum(${name})`).join(", ")}
      FROM usage_counts WHERE span = 0 GROUP BY 2, kind, provider, name`,
  ),
  `INSERT INTO spent_totals (at, shard, ${spentColumns}) SELECT at, '', ${spentSums} FROM usage_counts WHERE span = 0 AND kind = 'model' GROUP BY at`,
];

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
 * the type and the turn, as a file has them.
 */
function kindsOf({ events, eventBytes = 1_000 }, { isShort = false } = {}) {
  return typesOf(events).map((type, index) => {
    const fields = fieldsOf(type, `call_${Math.floor((index + 1) / 3)}`);
    const whole = (filling) => JSON.stringify({ type, turnId: "turn_@", ...fields, filling });
    const filling = "x".repeat(Math.max(0, eventBytes - whole("").length));
    const payload = isShort ? JSON.stringify({ ...fields, filling }) : whole(filling);
    return [index + 1, type, payload];
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
