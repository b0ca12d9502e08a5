/**
 * Measures what a turn costs a host and its database, for the calculation in scripts/deploy/README.md: turns a second against a provider
 * that answers at once; for each turn, the processor time of hosts and PostgreSQL (which a busy machine hardly distorts), the
 * transactions and the write-ahead log; connections; the memory of a turn that waits for its model; and events a second.
 *
 *   npm run build && node scripts/bench/scale.mjs [seconds a row] [turns that wait] [folder of the compiled code]
 *
 * Linux only: processor time and memory are read from /proc.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import pg from "pg";
import "../ts-node.mjs";

const { startPostgres } = await import("../../tests/support/postgres.ts");
const [seconds = "10", waiting = "1000", dist = "dist"] = process.argv.slice(2);
/** Concurrent turns on all hosts together. */
const atOnce = 24;
const streamCount = 100;
const deltas = 100;
const deltaMs = 20;
const ticksPerSecond = 100;
/** Time to wait until PostgreSQL's statistics are complete: its processes report about once a second. */
const statisticsMs = 1500;

const folder = mkdtempSync(join(tmpdir(), "scale-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
let hold;
const provider = createServer((incoming, response) => {
  let body = "";
  incoming.on("data", (chunk) => {
    body += chunk;
  });
  incoming.once("end", async () => {
    await hold;
    if (JSON.parse(body).stream) return stream(response);
    response.setHeader("content-type", "application/json");
    const message = { role: "assistant", content: "Here is the answer." };
    const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
    response.end(JSON.stringify({ choices: [{ index: 0, message, finish_reason: "stop" }], usage }));
  });
}).listen(0, "127.0.0.1");
await once(provider, "listening");
const server = await startPostgres(["fsync=on", "max_connections=300"]);

const columns = ["turns/s", "host ms", "PG ms", "commits", "WAL KB", "connections"];
process.stdout.write(`${"a turn".padEnd(38)}${columns.map((name) => name.padStart(13)).join("")}\n`);
await row("1 host, SQLite", 1, undefined);
for (const count of [1, 2, 3]) await row(`${count} host(s), PostgreSQL`, count, await server.database());
for (const url of [undefined, await server.database()]) await memory(url);
await streams(await server.database());
await appends(await server.database());
await server[Symbol.asyncDispose]();
provider.closeAllConnections();
process.exit();

async function row(name, count, url) {
  const hosts = await start(count, url);
  const database = url && (await observed(url));
  await load(hosts, 2);
  const before = { hosts: cpuMs(hosts.map(({ pid }) => pid)), ...(await database?.look()) };
  const beganAt = performance.now();
  const turns = await load(hosts, Number(seconds));
  const elapsed = (performance.now() - beganAt) / 1000;
  const hostMs = cpuMs(hosts.map(({ pid }) => pid)) - before.hosts;
  await sleep(statisticsMs);
  const after = await database?.look();
  const each = (key) => (after ? (after[key] - before[key]) / turns : Number.NaN);
  const figures = [turns / elapsed, hostMs / turns, each("cpu"), each("commits"), each("wal") / 1024];
  const cells = [...figures.map((figure) => figure.toFixed(1)), String(after?.connections ?? "")];
  process.stdout.write(`${name.padEnd(38)}${cells.map((cell) => cell.replace("NaN", "").padStart(13)).join("")}\n`);
  await end(hosts);
  await database?.close();
}

/** Prints the processor time that a delta costs the host that runs the turn and shows it. */
async function streams(url) {
  const hosts = await start(1, url);
  const turns = () => Promise.all(Array.from({ length: streamCount }, () => ask(hosts[0].url, true)));
  await turns();
  const before = cpuMs([hosts[0].pid]);
  await turns();
  const ms = cpuMs([hosts[0].pid]) - before;
  const perDelta = (ms * 1000) / (streamCount * deltas);
  process.stdout.write(
    `${streamCount} streams at once, ${1000 / deltaMs} deltas/s each: ${perDelta.toFixed(0)} µs of the host for a delta\n`,
  );
  await end(hosts);
}

async function stream(response) {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const chunk = (delta, reason = null) => {
    const choices = [{ index: 0, delta, finish_reason: reason }];
    response.write(`data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", choices })}\n\n`);
  };
  for (let index = 0; index < deltas; index++) {
    chunk({ content: `word ${index} ` });
    await sleep(deltaMs);
  }
  chunk({}, "stop");
  response.end("data: [DONE]\n\n");
}

/**
 * Prints how many events of 1 KB the database takes a second, as appends with notices to other hosts and as bare INSERTs. Each writer has
 * its own conversation.
 */
async function appends(url) {
  const { openStore } = await import(pathToFileURL(resolve(dist, "log/open.js")).href);
  const observe = () => {};
  for (const connections of [1, 4, 16, 64]) {
    const store = await openStore({ driver: "postgres", url, poolSize: connections }, { now: Date.now, observe });
    const pool = new pg.Pool({ connectionString: url, max: connections });
    await pool.query("CREATE TABLE IF NOT EXISTS bare (id bigserial PRIMARY KEY, payload text)");
    const text = "x".repeat(1000);
    const content = [{ type: "text", text }];
    const begin = async (conversationId) => {
      const message = { type: "user_message", turnId: "t", requestId: "r", content };
      await store.claim(conversationId, message, { nodeId: "bench", workspace: "bench", options: {} });
      return { fence: (await store.turns.acquire(conversationId, "t", "bench")).fence, position: 1 };
    };
    const turns = new Map();
    const append = async (index) => {
      const conversationId = `c${connections}_${index}`;
      const turn = turns.get(index) ?? (await begin(conversationId));
      turns.set(index, turn);
      const event = { type: "tool_result", turnId: "t", callId: "c", name: "t", content, isError: false };
      return store.appendAll(conversationId, [event], { fence: turn.fence, position: ++turn.position });
    };
    const insert = () => pool.query("INSERT INTO bare (payload) VALUES ($1)", [text]);
    const rates = [];
    for (const write of [append, insert]) {
      await each(write, connections, 500);
      rates.push((await each(write, connections, Number(seconds) * 500)) / (Number(seconds) / 2));
    }
    await Promise.all([store.close(), pool.end()]);
    const [told, bare] = rates.map((rate) => rate.toFixed(0));
    process.stdout.write(`${connections} connections: ${told} appends/s, ${bare} bare INSERTs/s\n`);
  }
}

/** Calls `write` repeatedly, `atOnce` at a time, for this many ms. Resolves with the number of calls. */
async function each(write, atOnce, forMs) {
  const until = performance.now() + forMs;
  let count = 0;
  const writer = async (index) => {
    for (; performance.now() < until; count++) await write(index);
  };
  await Promise.all(Array.from({ length: atOnce }, (_, index) => writer(index)));
  return count;
}

/** Prints the memory of one host for each turn that waits for its model. */
async function memory(url) {
  const hosts = await start(1, url);
  await load(hosts, 2);
  const [host] = hosts;
  const beforeKb = rssKb(host.pid);
  let open;
  hold = new Promise((resolve) => {
    open = resolve;
  });
  const arrived = countTo(Number(waiting));
  provider.on("request", arrived.count);
  const asking = Array.from({ length: Number(waiting) }, () => ask(host.url));
  await arrived.done;
  const kb = (rssKb(host.pid) - beforeKb) / Number(waiting);
  provider.off("request", arrived.count);
  process.stdout.write(
    `${waiting} turns that wait on ${url ? "PostgreSQL" : "SQLite"}: ${kb.toFixed(0)} KB each, over ${(beforeKb / 1024).toFixed(0)} MB of the host\n`,
  );
  open();
  hold = undefined;
  await Promise.all(asking);
  await end(hosts);
}

function countTo(target) {
  let seen = 0;
  let reached;
  const done = new Promise((resolve) => {
    reached = resolve;
  });
  return { done, count: () => ++seen === target && reached() };
}

/** Runs turns, `atOnce` at a time, for this many seconds. Resolves with the number of turns. */
async function load(hosts, forSeconds) {
  const until = performance.now() + forSeconds * 1000;
  let turns = 0;
  const client = async (index) => {
    for (; performance.now() < until; turns++) await ask(hosts[index % hosts.length].url);
  };
  await Promise.all(Array.from({ length: atOnce }, (_, index) => client(index)));
  return turns;
}

function ask(url, isStreamed = false) {
  const body = JSON.stringify({
    model: "m1",
    stream: isStreamed,
    messages: [{ role: "user", content: "What is the answer?" }],
  });
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/v1/chat/completions`, { method: "POST", headers, agent }, (response) => {
      response.resume().once("end", () => (response.statusCode === 200 ? resolve() : reject(response.statusCode)));
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

async function start(count, url) {
  const place = mkdtempSync(join(folder, "hosts-"));
  const baseUrl = `http://127.0.0.1:${provider.address().port}/v1`;
  const http = { max_connections: 20_000, max_keepalive_connections: 1_000, queue_timeout: 300 };
  const config = {
    llm: { active: "test", http, providers: { test: { base_url: baseUrl, model: "m1", api_key: "sk-0123456789" } } },
    chat: { storage: url ? { url } : { path: join(place, "log.db") } },
    serve: { requests_per_minute: 10_000_000, max_connections: 30_000 },
  };
  writeFileSync(join(place, "config.yaml"), JSON.stringify(config));
  return Promise.all(
    Array.from({ length: count }, async () => {
      const child = spawn(process.execPath, [resolve(dist, "main.js"), "serve", "--port", "0", "--no-token"], {
        cwd: place,
        env: { PATH: process.env.PATH, HOME: place, MCP_PLATFORM_CONFIG: "config.yaml" },
        stdio: ["ignore", "ignore", "pipe"],
      });
      for await (const line of createInterface({ input: child.stderr })) {
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
        if (!found) continue;
        child.stderr.resume();
        return { child, pid: child.pid, url: found };
      }
      throw new Error("the host ended");
    }),
  );
}

async function end(hosts) {
  const ends = hosts.map(({ child }) => once(child, "close"));
  for (const { child } of hosts) child.kill("SIGTERM");
  await Promise.all(ends);
}

/** Connects to the database. `look` resolves with its counters so far. */
async function observed(url) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return {
    async look() {
      const { rows } = await client.query(
        `SELECT xact_commit::float8 AS commits, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 AS wal,
           (SELECT array_agg(pid) FROM pg_stat_activity) AS pids,
           (SELECT count(*)::integer - 1 FROM pg_stat_activity WHERE datname = current_database()) AS connections
         FROM pg_stat_database WHERE datname = current_database()`,
      );
      return { ...rows[0], cpu: cpuMs(rows[0].pids) };
    },
    close: () => client.end(),
  };
}

/** Returns the processor time of these processes, in milliseconds. */
function cpuMs(pids) {
  return pids.reduce((sum, pid) => {
    const [, fields] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
    const [user, system] = fields.split(" ").slice(11, 13).map(Number);
    return sum + ((user + system) * 1000) / ticksPerSecond;
  }, 0);
}

function rssKb(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}
