/**
 * Compares the event log with bare SQL on the same database: appends of a running turn (1 KB, with its grant), the load of a conversation
 * of 1,000 events, the claim of a request, and the answer to a request id that was answered before, through a whole session. Rounds
 * alternate. Prints p50 and p99 in microseconds, events (or answers) a second, processor time, and the ratio of the p50 to that of a bare
 * INSERT (or SELECT) in the same run. Only the ratio can be compared between machines. On a busy machine, p99 mostly measures the
 * scheduler.
 *
 *   npm run build && node scripts/bench/store.mjs [rounds] [sqlite | postgres | postgres://…] [folder of the compiled code]
 *
 * `postgres` starts a server from npm and stops it after the run. Like any other server, it acknowledges a commit once it is on the disk.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const events = 1000;
const [rounds = "10", where = "sqlite", dist = "dist"] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(resolve(dist, path)).href);
const [{ openStore }, { connect }, { createApp }] = await Promise.all(
  ["log/open.js", "log/sqlite/connection.js", "index.js"].map(load),
);
const folder = mkdtempSync(join(tmpdir(), "store-"));
const text = "x".repeat(1000);

const server = where === "postgres" ? await startServer() : undefined;
const [log, answers] = await Promise.all([storage("log"), storage("answers")]);
const bare = await (log.driver === "postgres" ? openBarePostgres(log.url) : openBareSqlite());
const store = await openStore(log, { now: Date.now, observe: () => {} });
const app = await createApp({ config: { chat: { storage: answers } }, env: { HOME: folder }, observe: () => {} });
const answered = { requestId: "r", text: "Add 2 and 40 with the add tool" };
for await (const _ of app.sessions.open("c").prompt(answered));

const cases = {
  "bare INSERT": { run: (round) => each((index) => bare.append(`c${round}`, index + 1)), units: events },
  "append with a grant": { run: appendTurn, units: events, over: "bare INSERT" },
  "claim of a request": { run: claimRequests, units: 100, over: "bare INSERT" },
  "bare SELECT of 1,000 events": { run: (round) => each(() => bare.read(`c${round}`), 10), units: 10 * events },
  "load of 1,000 events": {
    run: (round) => each(() => store.read(`c${round}`), 10),
    units: 10 * events,
    over: "bare SELECT of 1,000 events",
  },
  "duplicate answer": { run: () => each(answerAgain, 200), units: 200, over: "bare INSERT" },
};
const measured = Object.fromEntries(
  Object.keys(cases).map((name) => [name, { times: [], cpu: 0, seconds: 0, units: 0 }]),
);
// The first two rounds only warm up.
for (let round = -2; round < Number(rounds); round++) {
  for (const [name, { run, units }] of Object.entries(cases)) {
    const before = process.cpuUsage();
    const startedAt = performance.now();
    const times = await run(round);
    const seconds = (performance.now() - startedAt) / 1000;
    const { user, system } = process.cpuUsage(before);
    if (round < 0) continue;
    const sum = measured[name];
    sum.times.push(...times);
    sum.cpu += user + system;
    sum.seconds += seconds;
    sum.units += units;
  }
}
const columns = ["p50 µs", "p99 µs", "units/s", "CPU µs/unit", "p50 over bare"];
process.stdout.write(`${log.driver.padEnd(30)}${columns.map((name) => name.padStart(15)).join("")}\n`);
for (const [name, { times, cpu, seconds, units }] of Object.entries(measured)) {
  const { over } = cases[name];
  const ratio = over ? `${(quantile(times, 0.5) / quantile(measured[over].times, 0.5)).toFixed(2)}x` : "";
  const figures = [quantile(times, 0.5), quantile(times, 0.99), units / seconds, cpu / units];
  const cells = [...figures.map((figure) => figure.toFixed(figure < 10 ? 1 : 0)), ratio];
  process.stdout.write(`${name.padEnd(30)}${cells.map((cell) => cell.padStart(15)).join("")}\n`);
}
await app.close();
await store.close();
await bare.close();
await server?.[Symbol.asyncDispose]();
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

/** Writes one turn of 1,000 events, as a session does. */
async function appendTurn(round) {
  const [conversationId, turnId, nodeId] = [`c${round}`, `turn_${round}`, "node"];
  const message = { type: "user_message", turnId, requestId: "r", content: [{ type: "text", text }] };
  await store.claim(conversationId, message, { nodeId, workspace: "here", options: {} });
  const { fence } = await store.turns.acquire(conversationId, turnId, nodeId);
  const content = [{ type: "text", text }];
  const event = (index) => ({
    type: "tool_result",
    turnId,
    callId: `call_${index}`,
    name: "t",
    content,
    isError: false,
  });
  return each(
    (index) => store.appendAll(conversationId, [event(index)], { fence, position: index + 2, lastSeq: index + 1 }),
    events - 1,
  );
}

/** Claims new requests, each in a conversation of its own. */
function claimRequests(round) {
  const content = [{ type: "text", text }];
  return each((index) => {
    const id = `${round}_${index}`;
    const message = { type: "user_message", turnId: `turn_${id}`, requestId: "r", content };
    return store.claim(`claimed_${id}`, message, { nodeId: "node", workspace: "here", options: {} });
  }, 100);
}

async function answerAgain() {
  const turn = await app.sessions.open("c").submit(answered);
  if (!turn.cached) throw new Error("the answer was not in the log");
  for await (const _ of turn.watch());
}

/**
 * Opens a bare SQLite file for the lower limit of an append: a row with its number, its JSON text and one unique index, in its own
 * transaction.
 */
async function openBareSqlite() {
  const db = await connect(join(folder, "bare.db"));
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  db.exec(
    "CREATE TABLE e (id INTEGER PRIMARY KEY, c TEXT, seq INTEGER, payload TEXT, at INTEGER, UNIQUE (c, seq)) STRICT",
  );
  const insert = db.prepare("INSERT INTO e (c, seq, payload, at) VALUES (?, ?, ?, ?) RETURNING seq");
  const select = db.prepare("SELECT seq, payload, at FROM e WHERE c = ? ORDER BY seq");
  return {
    append: (c, seq) => insert.all(c, seq, payloadOf(seq), Date.now()),
    read: (c) => select.all(c).map(parsed),
    close: () => db.close(),
  };
}

/** Opens the same table on PostgreSQL, on a connection of its own. Its statements have no name, so each call parses them again. */
async function openBarePostgres(url) {
  const { default: pg } = await import("pg");
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query("DROP TABLE IF EXISTS bare_events");
  await client.query(
    "CREATE TABLE bare_events (id bigserial PRIMARY KEY, c text, seq integer, payload text, at bigint, UNIQUE (c, seq))",
  );
  const insert = "INSERT INTO bare_events (c, seq, payload, at) VALUES ($1, $2, $3, $4) RETURNING seq";
  const select = "SELECT seq, payload, at FROM bare_events WHERE c = $1 ORDER BY seq";
  return {
    append: (c, seq) => client.query(insert, [c, seq, payloadOf(seq), Date.now()]),
    read: async (c) => (await client.query(select, [c])).rows.map(parsed),
    close: () => client.end(),
  };
}

function payloadOf(seq) {
  return JSON.stringify({ type: "tool_result", callId: `call_${seq}`, text });
}

function parsed({ payload, ...row }) {
  return { ...JSON.parse(payload), ...row };
}

async function startServer() {
  await import("../ts-node.mjs");
  const { startPostgres } = await import("../../tests/support/postgres.ts");
  return startPostgres(["fsync=on"]);
}

/** Returns the place of the log: an empty file, an empty database of the server from npm, or the database of the URL as it is. */
async function storage(name) {
  if (server) return { driver: "postgres", url: await server.database() };
  return where === "sqlite"
    ? { driver: "sqlite", path: join(folder, `${name}.db`) }
    : { driver: "postgres", url: where };
}

/** Resolves with the microseconds of each call. */
async function each(call, count = events) {
  const times = [];
  for (let index = 0; index < count; index++) {
    const startedAt = performance.now();
    await call(index);
    times.push((performance.now() - startedAt) * 1000);
  }
  return times;
}

function quantile(values, share) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)];
}
