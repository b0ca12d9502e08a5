/**
 * Measures what lists, search, retention and usage cost as an event log in a file grows. Makes logs of 1,000, 10,000 and 100,000
 * conversations by direct inserts, in a temporary folder. Prints for each size the wall time of every operation in milliseconds and, after
 * the slash, the longest time for which it blocked the event loop. `sessions list` is a process of its own, so it blocks no loop.
 *
 *   npm run build && node scripts/bench/growth.mjs [--sizes 1000,100000] [--million] [--events 30] [--dist dist]
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
    events: { type: "string", default: "30" },
    dist: { type: "string", default: "dist" },
  },
});
const load = (path) => import(pathToFileURL(resolve(flags.dist, path)).href);
const [{ openStore }, { connect }, { Conversations }, { Retention }] = await Promise.all(
  [
    "log/open.js",
    "log/sqlite/connection.js",
    "session/conversations/conversations.js",
    "session/conversations/retention.js",
  ].map(load),
);

const events = Math.max(3, Number(flags.events));
const sizes = [...flags.sizes.split(",").map(Number), ...(flags.million ? [1_000_000] : [])];
const now = Date.now();
const dayMs = 24 * 60 * 60 * 1000;
const inTransaction = 10_000;

const columns = {};
for (const size of sizes) columns[size] = await measured(size);
const [first] = Object.values(columns);
const line = (cells) => `${cells.map((cell, index) => (index ? cell.padStart(22) : cell.padEnd(34))).join("")}\n`;
process.stdout.write(line(["ms / longest stall", ...sizes.map((size) => size.toLocaleString("en"))]));
for (const name of Object.keys(first)) process.stdout.write(line([name, ...sizes.map((size) => columns[size][name])]));

async function measured(size) {
  const folder = mkdtempSync(join(tmpdir(), "growth-"));
  const path = join(folder, "log.db");
  const open = () => openStore({ driver: "sqlite", path }, { now: Date.now, observe: () => {} });
  try {
    await (await open()).close();
    const startedAt = performance.now();
    await fill(path, size);
    const made = `${((performance.now() - startedAt) / 1000).toFixed(1)} s, ${(statSync(path).size / 1e9).toFixed(2)} GB`;
    const store = await open();
    const conversations = new Conversations({ store, lostHosts: async () => [], newId: String });
    const rules = { maxAgeMs: 1_000 * dayMs, maxConversations: size };
    const retention = new Retention({ store, rules, isOpen: () => false, now: Date.now, observe: () => {} });
    const page = await store.conversations({ most: 50 });
    const search = (text) => () => store.conversations({ most: 50, text });
    await search("nothing")(); // starts the thread that reads
    const results = {
      made,
      "page of 50": await timed(() => store.conversations({ most: 50 })),
      "the next page": await timed(() => store.conversations({ most: 50, after: page.next })),
      "page of 1,000": await timed(() => store.conversations({ most: 1_000 })),
      "search: many found": await timed(search("Weather")),
      "search: one found": await timed(search("number 7 ")),
      "search: none found": await timed(search("nowhere")),
      "chat -c": await timed(() => store.conversations({ most: 1 })),
      "sessions list, in this process": await timed(() => conversations.list({ most: 50 })),
      "sessions list, a process": await timed(() => sessionsList(folder, path)),
      "retention, nothing to delete": await timed(() => retention.apply()),
      "usage of 7 days": await timed(() => store.usage({ since: now - 7 * dayMs, until: now }), 1),
      "usage of all": await timed(() => store.usage({ since: 0, until: now }), 1),
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

async function sessionsList(folder, path) {
  const env = { PATH: process.env.PATH, HOME: folder, MCP_PLATFORM_CHAT__STORAGE__PATH: path };
  await promisify(execFile)(process.execPath, [resolve(flags.dist, "main.js"), "sessions", "list"], {
    env,
    cwd: folder,
  });
}

/** Fills the log with conversations of one turn, the last of them now, over a year. */
async function fill(path, size) {
  const db = await connect(path);
  db.exec("PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL; CREATE TEMP TABLE kinds (seq, type, payload)");
  for (let seq = 1; seq <= events; seq++) {
    const { type, ...fields } = eventAt(seq);
    const bare = JSON.stringify({ type, turnId: "turn_@", ...fields, filling: "" });
    const payload = JSON.stringify({
      type,
      turnId: "turn_@",
      ...fields,
      filling: "x".repeat(Math.max(0, 1_000 - bare.length)),
    });
    db.prepare("INSERT INTO kinds VALUES (?, ?, ?)").run(seq, type, payload);
  }
  const at = `CAST(${now} - (${size} - n) * ${(365 * dayMs) / size} AS integer)`;
  for (let from = 1; from <= size; from += inTransaction) {
    const numbers = `WITH RECURSIVE numbers(n) AS (VALUES (${from}) UNION ALL
      SELECT n + 1 FROM numbers WHERE n < ${Math.min(size, from + inTransaction - 1)})`;
    const title = "'Weather of the day, in number ' || n || ' of the towns'";
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
