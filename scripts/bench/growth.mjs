/**
 * Measures what lists, search, retention and usage cost as an event log grows. Makes logs of 1,000, 10,000 and 100,000 conversations by
 * direct inserts: files in a temporary folder or, with `--postgres`, databases of a temporary server from npm. Prints for each size the wall
 * time of every operation in milliseconds and, after the slash, the longest time for which it blocked the event loop. `sessions list` is a
 * process of its own, so it blocks no loop.
 *
 *   npm run build && node scripts/bench/growth.mjs [--postgres] [--sizes 1000,100000] [--million] [--events 30] [--dist dist]
 *
 * An event has 1 KB, so 100,000 conversations of 30 events take 5 GB on the disk. `--events 3` makes small logs.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { pathToFileURL } from "node:url";
import { parseArgs, promisify } from "node:util";

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: "1000,10000,100000" },
    million: { type: "boolean" },
    postgres: { type: "boolean" },
    events: { type: "string", default: "30" },
    dist: { type: "string", default: "dist" },
  },
});
const load = (path) => import(pathToFileURL(resolve(flags.dist, path)).href);
const [{ openStore }, { connect }, { Conversations }, { Retention }, { usageReport }, { countOlder }] =
  await Promise.all(
    [
      "log/open.js",
      "log/sqlite/connection.js",
      "session/conversations/conversations.js",
      "session/conversations/retention.js",
      "session/conversations/usage-report.js",
      "session/conversations/older-usage.js",
    ].map(load),
  );

const events = Math.max(3, Number(flags.events));
const sizes = [...flags.sizes.split(",").map(Number), ...(flags.million ? [1_000_000] : [])];
const now = Date.now();
const dayMs = 24 * 60 * 60 * 1000;
const inTransaction = 10_000;
/** SQL for the title and the time of the conversation with the number `n`. */
const title = "'Weather of the day, in number ' || n || ' of the towns'";
const atOf = (size, type) => `CAST(${now} - (${size} - n) * ${(365 * dayMs) / size} AS ${type})`;

const server = flags.postgres ? await startServer() : undefined;
const columns = {};
for (const size of sizes) columns[size] = await measured(size);
await server?.[Symbol.asyncDispose]();
const [first] = Object.values(columns);
const line = (cells) => `${cells.map((cell, index) => (index ? cell.padStart(22) : cell.padEnd(34))).join("")}\n`;
process.stdout.write(line(["ms / longest stall", ...sizes.map((size) => size.toLocaleString("en"))]));
for (const name of Object.keys(first)) process.stdout.write(line([name, ...sizes.map((size) => columns[size][name])]));

async function measured(size) {
  const folder = mkdtempSync(join(tmpdir(), "growth-"));
  const storage = server
    ? { driver: "postgres", url: await server.database() }
    : { driver: "sqlite", path: join(folder, "log.db") };
  const open = () => openStore(storage, { now: Date.now, observe: () => {} });
  try {
    await (await open()).close();
    const startedAt = performance.now();
    const bytes = await (server ? fillDatabase(storage.url, size) : fillFile(storage.path, size));
    const made = `${((performance.now() - startedAt) / 1000).toFixed(1)} s, ${(bytes / 1e9).toFixed(2)} GB`;
    const store = await open();
    const usage = (by, days) => () =>
      usageReport(store.usage, by, { since: Math.max(0, now - days * dayMs), until: now }, 1_000);
    const countAll = async () => {
      await store.usage.reset();
      await countOlder(store.usage, { onProgress: () => {}, pause: () => new Promise(setImmediate) });
    };
    const conversations = new Conversations({ store, lostHosts: async () => [], newId: String });
    const rules = { maxAgeMs: 1_000 * dayMs, maxConversations: size };
    const retention = new Retention({ store, rules, isOpen: () => false, now: Date.now, observe: () => {} });
    const page = await store.conversations({ most: 50 });
    const search = (text) => () => store.conversations({ most: 50, text });
    await search("nothing")(); // starts the thread that reads
    const results = {
      made,
      "usage: all counted anew": await timed(countAll, 1),
      "page of 50": await timed(() => store.conversations({ most: 50 })),
      "the next page": await timed(() => store.conversations({ most: 50, after: page.next })),
      "page of 1,000": await timed(() => store.conversations({ most: 1_000 })),
      "search: many found": await timed(search("Weather")),
      "search: one found": await timed(search("number 7 ")),
      "search: none found": await timed(search("nowhere")),
      "chat -c": await timed(() => store.conversations({ most: 1 })),
      "sessions list, in this process": await timed(() => conversations.list({ most: 50 })),
      "sessions list, a process": await timed(() => sessionsList(folder, storage)),
      "retention, nothing to delete": await timed(() => retention.apply()),
      "usage of 7 days, by day": await timed(usage("day", 7)),
      "usage of 70 days, by day": await timed(usage("day", 70)),
      "usage of all (a year), by day": await timed(usage("day", 10_000)),
      "usage of all, by model": await timed(usage("model", 10_000)),
      "usage of all, by tool": await timed(usage("tool", 10_000)),
      "usage of 7 days, by conversation": await timed(usage("conversation", 7)),
      "usage of all, by conversation": await timed(usage("conversation", 10_000)),
      "spent today": await timed(() => store.spent({ since: new Date(now).setHours(0, 0, 0, 0), until: now })),
    };
    await store.close();
    return results;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs the work several times. Returns the median of its wall times and the longest stall of the event loop. */
async function timed(work, times = 5) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const walls = [];
  delay.enable();
  for (let count = 0; count < times; count++) {
    const startedAt = performance.now();
    await work();
    walls.push(performance.now() - startedAt);
    await new Promise((resolve) => setTimeout(resolve, 5)); // so that the monitor sees the stall
  }
  delay.disable();
  const wall = walls.sort((a, b) => a - b)[times >> 1];
  return `${wall.toFixed(wall < 10 ? 2 : 0)} / ${(delay.max / 1e6).toFixed(0)}`;
}

async function sessionsList(folder, { path, url }) {
  const where = url ? { MCP_PLATFORM_CHAT__STORAGE__URL: url } : { MCP_PLATFORM_CHAT__STORAGE__PATH: path };
  const env = { PATH: process.env.PATH, HOME: folder, ...where };
  await promisify(execFile)(process.execPath, [resolve(flags.dist, "main.js"), "sessions", "list"], {
    env,
    cwd: folder,
  });
}

async function startServer() {
  await import("../ts-node.mjs");
  const { startPostgres } = await import("../../tests/support/postgres.ts");
  return startPostgres();
}

/** Returns the events of a conversation as they are stored, with its number as `@`. */
function kinds() {
  return Array.from({ length: events }, (_, index) => {
    const { type, ...fields } = eventAt(index + 1);
    const bare = JSON.stringify({ type, turnId: "turn_@", ...fields, filling: "" });
    const filling = "x".repeat(Math.max(0, 1_000 - bare.length));
    return [index + 1, type, JSON.stringify({ type, turnId: "turn_@", ...fields, filling })];
  });
}

/** Fills the database like `fillFile`. Returns its size in bytes. */
async function fillDatabase(url, size) {
  const { default: pg } = await import("pg");
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query("SET session_replication_role = replica"); // without triggers
  await client.query("CREATE TEMP TABLE kinds (seq integer, type text, payload text)");
  for (const kind of kinds()) await client.query("INSERT INTO kinds VALUES ($1, $2, $3)", kind);
  const at = atOf(size, "bigint");
  for (let from = 1; from <= size; from += inTransaction) {
    const numbers = `generate_series(${from}::bigint, ${Math.min(size, from + inTransaction - 1)}) AS numbers (n)`;
    await client.query(`INSERT INTO turns (conversation_id, turn_id, request_id, state, place, workspace, options)
      SELECT 'conv_' || n, 'turn_' || n, 'request_' || n, 'ended', 1, '/home/someone', '{}' FROM ${numbers}`);
    await client.query(`INSERT INTO events (conversation_id, seq, turn_id, type, request_id, payload, at, position)
      SELECT 'conv_' || n, seq, 'turn_' || n, type, CASE seq WHEN 1 THEN 'request_' || n END, replace(payload, '@', n::text), ${at}, seq
      FROM ${numbers} CROSS JOIN kinds`);
    await client.query(`INSERT INTO conversations (conversation_id, touched, updated_at, title, title_lower, workspace, turns)
      SELECT 'conv_' || n, ${at}, ${at}, ${title}, lower(${title}), '/home/someone', 1 FROM ${numbers}`);
  }
  await client.query("ANALYZE");
  const { rows } = await client.query("SELECT pg_database_size(current_database()) AS bytes");
  await client.end();
  return Number(rows[0].bytes);
}

/** Fills the log with conversations of one turn, the last of them now, over a year. Returns its size in bytes. */
async function fillFile(path, size) {
  const db = await connect(path);
  db.exec("PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL; CREATE TEMP TABLE kinds (seq, type, payload)");
  for (const kind of kinds()) db.prepare("INSERT INTO kinds VALUES (?, ?, ?)").run(...kind);
  const at = atOf(size, "integer");
  for (let from = 1; from <= size; from += inTransaction) {
    const numbers = `WITH RECURSIVE numbers(n) AS (VALUES (${from}) UNION ALL
      SELECT n + 1 FROM numbers WHERE n < ${Math.min(size, from + inTransaction - 1)})`;
    db.exec("BEGIN");
    db.exec(`INSERT INTO conversations (number, conversation_id, touched, updated_at, title, title_lower, workspace, turns) ${numbers}
      SELECT n, 'conv_' || n, ${at}, ${at}, ${title}, lower(${title}), '/home/someone', 1 FROM numbers`);
    db.exec(`INSERT INTO turns (conversation_id, conversation_number, turn_id, request_id, state, place, workspace, options) ${numbers}
      SELECT 'conv_' || n, n, 'turn_' || n, 'request_' || n, 'ended', 1, '/home/someone', '{}' FROM numbers`);
    db.exec(`INSERT INTO searched (entry, text) ${numbers} SELECT n << 32 | 1, lower(${title}) FROM numbers`);
    db.exec(`INSERT INTO entries (id, turn_id, type, request_id, payload, at, position) ${numbers}
      SELECT n << 32 | seq, 'turn_' || n, type, CASE seq WHEN 1 THEN 'request_' || n END, replace(payload, '@', n), ${at}, seq
      FROM numbers CROSS JOIN kinds`);
    db.exec("COMMIT");
  }
  db.close();
  return statSync(path).size;
}

/** Returns the event at this place of a turn: answers that call a tool, the calls with their results, and the end. */
function eventAt(seq) {
  const callId = `call_${Math.floor(seq / 3)}`;
  const text = (value) => [{ type: "text", text: value }];
  if (seq === 1) {
    return {
      type: "user_message",
      requestId: "request_@",
      content: text("Weather of the day, in number @ of the towns"),
    };
  }
  if (seq === events) return { type: "turn_end", stopReason: "end_turn" };
  if (seq % 3 === 0) return { type: "tool_sent", callId };
  if (seq % 3 === 1)
    return { type: "tool_result", callId, name: "weather__now", content: text("rain"), isError: false };
  return {
    type: "assistant_message",
    message: { role: "assistant", content: "Let me see.", toolCalls: [] },
    ...{ finishReason: "tool_calls", provider: "demo", model: "demo-1", attempts: 1 },
    usage: { inputTokens: 1_000, outputTokens: 100 },
    spent: { tokens: 1_100, usd: 0.001 },
  };
}
