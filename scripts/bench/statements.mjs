/**
 * Counts what a turn costs the database that several hosts share: statements and transactions of all hosts, the processor time of
 * PostgreSQL, and the round trips for which the turn waits. The same for a hop (one more answer of the model, with a tool call and its
 * result), for a second in which the hosts are idle, and for the first turn after that, for which connections are opened again. Round trips
 * in line are found by a proxy that delays the database: a turn takes as many delays longer as it waits for round trips.
 *
 *   npm run build && node scripts/bench/statements.mjs [hosts, such as 1,3] [--list] [folder of the compiled code]
 *
 * `--list` prints the statements of one turn and of one hop in order, each with the function that sent it. Linux only: processor time
 * is read from /proc.
 */
import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import pg from "pg";

const turns = 100;
/** Turns before each measurement. Afterwards PostgreSQL has planned the statements of the open connections. */
const warmUpTurns = 20;
const stepsPerTurn = 5;
/** Time for which the hosts are left alone before they are idle: by then all that follows a turn is done. */
const settleS = 15;
/** Long enough for the pools to close unused connections. */
const idleS = 20;
const delayMs = 20;
/** Time in which the hosts finish what they do after a turn. */
const afterwardsMs = 500;
const msPerTick = 10;
const nsPerMs = 1e6;
const nameWidth = 24;

const lists = process.argv.includes("--list");
const [role = "1,3", ...rest] = process.argv.slice(2).filter((argument) => argument !== "--list");
await (role === "host" ? host(...rest) : count());

async function count() {
  await import("../ts-node.mjs");
  const { startPostgres } = await import("../../tests/support/postgres.ts");
  const server = await startPostgres(["fsync=on"]);
  const model = fork(fileURLToPath(new URL("nodes.mjs", import.meta.url)), ["model"]);
  model.send({});
  const [{ port }] = await once(model, "message");
  const columns = ["statements", "commits", "round trips", "in line", "database ms"];
  process.stdout.write(`${"".padEnd(nameWidth)}${columns.map((name) => name.padStart(13)).join("")}\n`);
  for (const hosts of role.split(",").map(Number)) await measure(server, hosts, port, rest[0] ?? "dist");
  model.disconnect();
  await server[Symbol.asyncDispose]();
}

/** Prints the rows of this number of hosts, of which the first one gets all turns. */
async function measure(server, hosts, port, dist) {
  const url = await server.database();
  const proxy = await startProxy(server.port);
  const through = url.replace(`:${server.port}/`, `:${proxy.port}/`);
  const children = [];
  for (let index = 0; index < hosts; index++) {
    const child = fork(fileURLToPath(import.meta.url), ["host", port, dist, through].map(String));
    await once(child, "message");
    children.push(child);
  }
  const [first] = children;
  const statistics = new pg.Client({ connectionString: url.replace(/[^/]*$/, "postgres") });
  await statistics.connect();
  const look = async () => {
    await sleep(afterwardsMs);
    const counts = await Promise.all(children.map((child) => asked(child, { count: true })));
    const sum = (key) => counts.reduce((all, each) => all + each[key], 0);
    const [statements, commits, trips] = ["statements", "commits", "trips"].map(sum);
    return { statements, commits, trips, ms: processorMs(server.port) };
  };
  const run = async (steps, turns) => (await asked(first, { steps, turns })).ms / turns;
  const between = (before, after, by) =>
    Object.fromEntries(Object.keys(before).map((key) => [key, (after[key] - before[key]) / by]));

  await run(stepsPerTurn, turns);
  await sleep(settleS * 1000);
  const start = await look();
  const startedAt = performance.now();
  await sleep(idleS * 1000);
  const rested = await look();
  const idle = between(start, rested, (performance.now() - startedAt) / 1000);
  const query = "SELECT numbackends AS connections FROM pg_stat_database WHERE datname = $1";
  const { rows } = await statistics.query(query, [new URL(url).pathname.slice(1)]);
  /** Measures turns. What the hosts do beside the turns is not part of a turn. */
  const cost = async (steps, turns) => {
    const before = await look();
    const beganAt = performance.now();
    const ms = await run(steps, turns);
    const after = await look();
    const seconds = (performance.now() - beganAt) / 1000;
    const own = (key) => (after[key] - before[key] - idle[key] * seconds) / turns;
    return { ms, own: Object.fromEntries(Object.keys(before).map((key) => [key, own(key)])) };
  };
  const reopened = await cost(0, 1);
  const costs = [];
  for (const steps of [0, stepsPerTurn]) {
    await run(steps, warmUpTurns);
    const { ms, own } = await cost(steps, turns);
    proxy.delayMs = delayMs;
    const delayedMs = await run(steps, turns / 10);
    proxy.delayMs = 0;
    costs.push({ ...own, inLine: (delayedMs - ms) / delayMs });
  }
  const [turn, long] = costs;
  row(`${hosts} host(s): a turn`, turn);
  row("a hop", between(turn, long, stepsPerTurn));
  row("first turn after idling", reopened.own);
  row("idle, a second", between({ statements: 0, commits: 0, trips: 0, ms: 0 }, idle, hosts));
  const connections = Number(rows[0].connections) / hosts;
  process.stdout.write(`${"connections, a host".padEnd(nameWidth)}${connections.toFixed(1).padStart(13)}\n`);
  const listed = lists ? [await asked(first, { list: 0 }), await asked(first, { list: 1 })] : [];
  for (const line of listed.flat()) process.stdout.write(`${line}\n`);
  await statistics.end();
  for (const child of children) child.disconnect();
  await Promise.all(children.map((child) => once(child, "exit")));
  proxy.close();
}

function row(name, { statements, commits, trips, inLine, ms }) {
  const cells = [statements, commits, trips, inLine, ms].map((value) => value?.toFixed(2) ?? "");
  process.stdout.write(`${name.padEnd(nameWidth)}${cells.map((cell) => cell.padStart(13)).join("")}\n`);
}

async function asked(child, message) {
  child.send(message);
  return (await once(child, "message"))[0];
}

/** Runs a host in its own process, and counts the statements that it sends. */
async function host(port, dist, url) {
  const seen = countStatements();
  const { createApp } = await import(pathToFileURL(resolve(dist, "host/app.js")).href);
  const counting = fileURLToPath(new URL("../../tests/support/counting-server.mjs", import.meta.url));
  const config = {
    llm: {
      active: "bench",
      http: { max_connections: 100 },
      providers: { bench: { base_url: `http://127.0.0.1:${port}/v1`, model: "m", api_key: "none" } },
    },
    mcpServers: { s: { command: process.execPath, args: [counting, "/dev/null"], trusted: true } },
    chat: { storage: { url }, service: { approval: "auto", max_tool_hops: 20 } },
  };
  const app = await createApp({ config, observe: () => {} });
  await app.ready();
  await app.sessions.recover();
  let made = 0;
  async function turns(steps, count) {
    const startedAt = performance.now();
    for (let turn = 0; turn < count; turn++) {
      const session = app.sessions.open(`c-${process.pid}-${made++}`);
      for await (const _ of session.prompt({ requestId: "r", text: `steps ${steps}` }));
      await app.sessions.forget(session);
    }
    return performance.now() - startedAt;
  }
  process.on("message", async ({ count, steps, turns: many, list }) => {
    if (count) return process.send(seen.counts());
    if (list === undefined) return process.send({ ms: await turns(steps, many) });
    const from = seen.all.length;
    const beganAt = performance.now();
    await turns(list, 1);
    const lastMs = performance.now() - beganAt;
    await sleep(1000);
    const shown = seen.all.slice(from).map(({ text, by, at, connection }) => {
      const after = (at - beganAt).toFixed(1).padStart(8);
      return `${after} ${at - beganAt > lastMs ? "later" : "     "} #${connection} ${text.replace(/\s+/g, " ").slice(0, 110)} <- ${by}`;
    });
    process.send([`a turn with ${list} tool call(s), ${lastMs.toFixed(1)} ms`, ...shown]);
  });
  process.on("disconnect", () => void app.close().then(() => process.exit(0)));
  process.send({});
}

/**
 * Records each statement that this process sends. A round trip begins with a statement on a connection that waits for no other answer.
 * PostgreSQL reports the end of every transaction, also of one that only reads, by the status `I` of the connection.
 */
function countStatements() {
  const all = [];
  let trips = 0;
  let commits = 0;
  const waiting = new Map();
  const { query } = pg.Client.prototype;
  pg.Client.prototype.query = function (...args) {
    const [statement] = args;
    const text = typeof statement === "string" ? statement : statement?.text;
    if (text === undefined) return query.apply(this, args);
    const open = waiting.get(this) ?? 0;
    if (open === 0) trips++;
    if (!waiting.has(this)) {
      this.number = waiting.size;
      this.connection.on("readyForQuery", ({ status }) => {
        if (status === "I") commits++;
      });
    }
    waiting.set(this, open + 1);
    const by = new Error().stack
      .split("\n")
      .filter((line) => !line.includes("/pg") && !line.includes("statements.mjs"))
      .slice(1, 5)
      .map((line) => /at (?:async )?(?:file:\S*\/)?(\S+)/.exec(line)?.[1])
      .filter((name) => name !== "process.processTicksAndRejections")
      .join(" <- ");
    all.push({ text, by, at: performance.now(), connection: this.number });
    const done = () => waiting.set(this, waiting.get(this) - 1);
    const last = args.at(-1);
    if (typeof last === "function") {
      args[args.length - 1] = (...answer) => {
        done();
        last(...answer);
      };
    }
    const result = query.apply(this, args);
    if (typeof last !== "function") result.then(done, done);
    return result;
  };
  return { all, counts: () => ({ statements: all.length, commits, trips }) };
}

/** Returns the processor time of the server with this port and of all its processes, in ms. */
function processorMs(port) {
  const processes = execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" })
    .split("\n")
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line)?.slice(1) ?? []);
  const own = processes.find(([, , args]) => /\/bin\/postgres /.test(args ?? "") && args.includes(`port=${port}`));
  const ids = processes.filter(([pid, parent]) => own && (pid === own[0] || parent === own[0])).map(([pid]) => pid);
  return ids.reduce((sum, pid) => sum + msOf(pid), own ? endedMs(own[0]) : 0);
}

/** Returns the processor time of a process, in ms: the kernel knows it in nanoseconds. */
function msOf(pid) {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]) / nsPerMs;
  } catch {
    return 0; // it has ended meanwhile
  }
}

/** Returns the processor time of those children of a process that have ended, in ms. */
function endedMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[13]) + Number(fields[14])) * msPerTick;
}

/** Starts a proxy on loopback in front of a port. It delays what the server sends by `delayMs`. */
async function startProxy(port) {
  const proxy = { delayMs: 0 };
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    for (const socket of [client, upstream]) socket.setNoDelay(true).on("error", () => {});
    client.on("data", (chunk) => upstream.write(chunk)).once("close", () => upstream.destroy());
    upstream.once("close", () => client.destroy());
    upstream.on("data", (chunk) => {
      if (proxy.delayMs === 0) client.write(chunk);
      else setTimeout(() => client.write(chunk), proxy.delayMs);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(proxy, { port: server.address().port, close: () => server.close() });
}
