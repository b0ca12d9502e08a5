/**
 * Measures deltas that a client reads from a node that does not run the turn. Two `serve` processes share one PostgreSQL. Each delta
 * contains the time at which the model wrote it. Every stream has one client. The client reads first from the other node (`there`), then
 * from the node that runs the turn (`here`). Prints one JSON object for each number of streams: latency in milliseconds, CPU of the nodes as
 * shares of a core, PostgreSQL transactions a second, and the number of notices by purpose.
 *
 *   npm run build && node --import ./scripts/ts-node.mjs scripts/bench/deltas.mjs [streams,…] [deltas] [milliseconds between deltas]
 *
 * TEST_DATABASE_URL names a PostgreSQL server to use instead of the one that the tests start.
 */
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { WebSocket } from "ws";

const [role, ...args] = process.argv.slice(2);
const now = () => performance.timeOrigin + performance.now();
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** Ticks of the kernel's clock in a second: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
const ticksPerSecond = 100;
if (role === "model") model(...args.map(Number));
else await measure(role ?? "1,20,100", ...args.map(Number));

async function measure(counts, deltas = 250, everyMs = 20) {
  const { newDatabase, startPostgres } = await import("../../tests/support/postgres.ts");
  const given = process.env.TEST_DATABASE_URL;
  const server = given ? undefined : await startPostgres();
  const url = given ? await newDatabase(given) : await server.database();
  const provider = fork(fileURLToPath(import.meta.url), ["model", deltas, everyMs].map(String), { execArgv: [] });
  provider.setMaxListeners(1000);
  const [{ port }] = await once(provider, "message");
  const folder = mkdtempSync(join(tmpdir(), "mcp-platform-"));
  const lines = counts.split(",").map((count) => ({ streams: Number(count), deltas, everyMs }));
  for (const way of ["there", "here"]) {
    const nodes = [await startNode("a", { folder, port, url }), await startNode("b", { folder, port, url })];
    const notices = await countNotices(url);
    for (const line of lines) line[way] = await run(line.streams, { provider, nodes, notices, way });
    await notices.end();
    for (const { child } of nodes) child.kill("SIGINT");
    await Promise.all(nodes.map(({ child }) => once(child, "exit")));
  }
  for (const line of lines) process.stdout.write(`${JSON.stringify(line)}\n`);
  provider.disconnect();
  rmSync(folder, { recursive: true });
  await server?.[Symbol.asyncDispose]();
}

async function run(streams, { provider, nodes, notices, way }) {
  const conversations = Array.from({ length: streams }, (_, number) => `${way}-${streams}-${number}`);
  const owners = ownersOf(conversations, provider);
  for (const conversation of conversations) await begin(nodes[0], conversation);
  const reading = [...(await owners)].map(([conversation, owner]) => {
    const node = nodes.find(({ name }) => (name === owner) === (way === "here"));
    return read(node, conversation);
  });
  await Promise.all(reading.map(({ ready }) => ready));
  await sleep(500);
  const before = nodes.map(({ child }) => cpuSeconds(child.pid));
  const noticesBefore = notices.counts();
  const transactionsBefore = await notices.transactions();
  const startedAt = now();
  provider.send("go");
  const latencies = (await Promise.all(reading.map(({ whole }) => whole))).flat();
  const seconds = (now() - startedAt) / 1000;
  const transactions = (await notices.transactions()) - transactionsBefore;
  const cpu = nodes.map(({ child }, index) => rounded((cpuSeconds(child.pid) - before[index]) / seconds));
  const counted = Object.entries(notices.counts()).map(([kind, count]) => [kind, count - (noticesBefore[kind] ?? 0)]);
  return {
    deltas: latencies.length,
    ...percentiles(latencies),
    seconds: rounded(seconds),
    load: loadavg()[0],
    transactions: rounded(transactions / seconds),
    cpu: Object.fromEntries(nodes.map(({ name }, index) => [name, cpu[index]])),
    notices: Object.fromEntries(counted),
  };
}

/** Resolves, once the model was asked for every conversation, with the node that asked for each. */
function ownersOf(conversations, provider) {
  const owners = new Map();
  return new Promise((resolve) => {
    provider.on("message", function note({ conversation, by }) {
      owners.set(conversation, by);
      if (owners.size < conversations.length) return;
      provider.off("message", note);
      resolve(owners);
    });
  });
}

async function begin({ url }, conversation) {
  const response = await fetch(`${url}/api/sessions/${conversation}/turns`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ request_id: "r", text: conversation, streaming: true }),
  });
  if (response.status !== 202) throw new Error(await response.text());
}

/** Sends the same request id again, so that the node shows the running turn. Returns promises for its begin and its latencies. */
function read({ url }, conversation) {
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws/chat`, { perMessageDeflate: false });
  const latencies = [];
  let begun;
  const ready = new Promise((resolve) => {
    begun = resolve;
  });
  const whole = new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("message", (data) => {
      const { status, chunk } = JSON.parse(data);
      if (status === "processing") begun();
      if (chunk.type === "text") latencies.push(...ages(chunk.data));
      if (status === "error") reject(new Error(chunk.error));
      if (status !== "complete") return;
      socket.terminate();
      resolve(latencies);
    });
  });
  socket.on("open", () => {
    const payload = { text: conversation, streaming: true };
    socket.send(JSON.stringify({ action: "chat", request_id: "r", conversation_id: conversation, payload }));
  });
  return { ready, whole };
}

/** Returns the ages in ms of the deltas in a text of their times of writing: `1700000000000.5 1700000000250.5 `. */
function ages(text) {
  return text
    .split(" ")
    .filter(Boolean)
    .map((writtenAt) => now() - Number(writtenAt));
}

function percentiles(latencies) {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share) => rounded(sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN);
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

function rounded(number) {
  return Number(number.toFixed(2));
}

/** Counts the notices between the nodes with a listener on all their channels. */
async function countNotices(url) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query("SELECT node_id FROM nodes");
  const kinds = { mcp_platform_log: "log", mcp_platform_live: "watches" };
  for (const { node_id } of rows) kinds[`mcp_platform_live ${node_id}`] = "deltas";
  const counts = { log: 0, watches: 0, deltas: 0, deltaBytes: 0 };
  client.on("notification", ({ channel, payload }) => {
    counts[kinds[channel]]++;
    if (kinds[channel] === "deltas") counts.deltaBytes += Buffer.byteLength(payload);
  });
  for (const channel of Object.keys(kinds)) await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
  /** Resolves with PostgreSQL's count of transactions. Waits first, because the count is up to a second late. */
  const transactions = async () => {
    await sleep(1500);
    const { rows } = await client.query("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()");
    return Number(rows[0].xact_commit);
  };
  return { counts: () => ({ ...counts }), transactions, end: () => client.end() };
}

async function startNode(name, { folder, port, url }) {
  const config = {
    llm: {
      active: "test",
      http: { max_connections: 500, queue_timeout: 60 },
      providers: { test: { base_url: `http://127.0.0.1:${port}/v1`, model: "m1", api_key: `sk-${name}` } },
    },
    serve: { port: 0, requests_per_minute: 1_000_000, max_connections: 10_000 },
    chat: { titles: "first-words", storage: { url } },
  };
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify(config));
  const program = fileURLToPath(new URL("../../dist/main.js", import.meta.url));
  const env = { PATH: process.env.PATH, HOME: folder };
  const child = spawn(process.execPath, [program, "--config", file, "serve", "--no-token"], { env, cwd: folder });
  let said = "";
  while (!said.includes("listening on")) said += (await once(child.stderr, "data"))[0];
  child.stderr.pipe(process.stderr);
  return { name, child, url: /listening on (\S+)/.exec(said)[1] };
}

/** Returns the processor time of a process, in user and kernel mode. */
function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Runs the mock model. Reports which node asks, and writes to all streams after the message `go`. */
async function model(deltas, everyMs) {
  const chunk = (content, finish_reason = null) =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason }] })}\n\n`;
  let waiting = [];
  const server = createServer(async (incoming, response) => {
    const body = JSON.parse((await incoming.toArray()).join(""));
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(": wait\n\n");
    const by = incoming.headers.authorization.slice("Bearer sk-".length);
    const go = new Promise((resolve) => waiting.push(resolve));
    process.send({ conversation: body.messages.at(-1).content, by });
    await go;
    await sleep(Math.random() * everyMs); // so that the streams do not all write at the same moment
    for (let count = 0; count < deltas; count++) {
      response.write(chunk(`${now()} `));
      await sleep(everyMs);
    }
    response.end(`${chunk("", "stop")}data: [DONE]\n\n`);
  });
  process.on("message", () => {
    for (const go of waiting) go();
    waiting = [];
  });
  await once(server.listen(0, "127.0.0.1", 2048), "listening");
  process.send({ port: server.address().port });
  process.on("disconnect", () => process.exit());
}
