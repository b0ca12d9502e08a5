/**
 * Simulates a provider that can answer 100 requests a second and comes back after an outage of 5 s, while 1,000 conversations wait for
 * their answer: once as 1,000 independent clients, once as one host. Prints a table of the requests that reached the provider, and of the
 * processor time of the clients. Exits with 1 if one host sends the provider twice its capacity.
 *
 *   npm run build && node scripts/bench/storm.mjs [--wires chat,responses,messages,gemini] [--dist folder]
 *
 * With `--wires`, only one host runs, once over each wire. `--dist` measures another build.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { wires } from "./compare/servers/wires.mjs";

const conversations = 1000;
const capacity = 100;
const outageMs = 5000;
const startWithinMs = 200;
const modes = ["proportional", "full", "decorrelated"];
const scenarios = [
  { who: "1,000 clients", isOneHost: false, maxRetries: 3 },
  { who: "1,000 clients", isOneHost: false, maxRetries: 10 },
  { who: "one host", isOneHost: true, maxRetries: 3 },
];

const [role, parameter] = process.argv.slice(2);
if (role === "provider") await provide(parameter);
else if (role === "run") await run(JSON.parse(parameter));
else await compare();

async function compare() {
  const { values } = parseArgs({
    options: { wires: { type: "string" }, dist: { type: "string", default: "dist" } },
  });
  const dist = resolve(values.dist);
  const head = [
    "who",
    "wire",
    "retry_jitter_mode",
    "max_retries",
    "peak requests/s",
    "last answer after",
    "requests",
    "gave up",
    "processor time",
  ];
  for (const row of [head, head.map(() => "---")]) print(row);
  const runOf = (scenario) => async () => {
    const { who, wire, mode, maxRetries } = scenario;
    return [who, wire, mode, maxRetries, ...(await measure({ ...scenario, dist }))];
  };
  if (values.wires) {
    for (const wire of values.wires.split(","))
      print(await runOf({ ...scenarios.at(-1), wire, mode: "decorrelated" })());
    return;
  }
  for (const scenario of scenarios) {
    const runs = modes.map((mode) => runOf({ ...scenario, wire: "chat", mode }));
    // A thousand clients at once are the most that a machine can start within the time, so those runs are not concurrent.
    if (scenario.isOneHost) for (const row of await Promise.all(runs.map((run) => run()))) print(row);
    else for (const run of runs) print(await run());
  }
}

function print(row) {
  process.stdout.write(`| ${row.join(" | ")} |\n`);
}

async function measure(scenario) {
  const child = fork(process.argv[1], ["run", JSON.stringify(scenario)]);
  const [{ peak, drainedAtMs, requests, gaveUp, cpuMs }] = await once(child, "message");
  if (scenario.isOneHost && peak >= 2 * capacity) process.exitCode = 1;
  const lastAnswer = `${(drainedAtMs / 1000).toFixed(1)} s`;
  return [peak, lastAnswer, requests.toLocaleString("en"), gaveUp.toLocaleString("en"), `${Math.round(cpuMs)} ms`];
}

/** Runs the clients in their own process. The provider has its own process too, so that neither slows down the other. */
async function run({ isOneHost, ...options }) {
  const provider = fork(process.argv[1], ["provider", options.wire]);
  const [{ port }] = await once(provider, "message");
  const { LlmClient } = await import(`${options.dist}/llm/client.js`);
  const clients = Array.from({ length: isOneHost ? 1 : conversations }, () => clientOf(LlmClient, port, options));
  const request = { messages: [{ role: "user", content: [{ type: "text", text: "Hello" }] }], tools: [] };
  // First requests load modules and open connections, which would otherwise spread the storm over time.
  for (const client of clients) await client.complete(request, { streaming: false });
  let gaveUp = 0;
  const converse = async (_, index) => {
    await sleep(Math.random() * startWithinMs);
    await clients[index % clients.length].complete(request, { streaming: false }).catch(() => gaveUp++);
  };
  provider.send("start");
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: conversations }, converse));
  const { user, system } = process.cpuUsage(before);
  provider.send("report");
  const [report] = await once(provider, "message");
  process.send({ ...report, gaveUp, cpuMs: (user + system) / 1000 });
  await Promise.all(clients.map((client) => client.close()));
  provider.kill();
  process.disconnect();
}

/** Makes a client with the defaults of `llm.http`, except for `queueTimeoutMs`: a request may have to wait behind 999 others. */
function clientOf(LlmClient, port, { wire, maxRetries, mode }) {
  const http = {
    timeoutMs: 30_000,
    connectTimeoutMs: 5000,
    ttftTimeoutMs: 60_000,
    idleTimeoutMs: 60_000,
    maxRetries,
    initialRetryDelayMs: 1000,
    maxRetryDelayMs: 16_000,
    retryMultiplier: 2,
    retryJitter: 0.1,
    retryJitterMode: mode,
    maxRetryAfterMs: 60_000,
    maxKeepaliveConnections: 20,
    maxConnections: 100,
    keepaliveExpiryMs: 30_000,
    queueTimeoutMs: 120_000,
    totalTimeoutMs: 300_000,
  };
  const baseUrl = `http://127.0.0.1:${port}/${wire === "gemini" ? "v1beta" : "v1"}`;
  const providers = { storm: { baseUrl, wire, model: "m", apiKey: "none" } };
  const config = { active: "storm", fallback: [], streamRecovery: "auto", http, providers };
  return new LlmClient(config, { env: {}, observe: () => {} });
}

/** Runs the provider. It answers 503 at once during the outage and beyond its capacity in any one second. */
async function provide(wire) {
  const answer = wires[wire].whole("Hello");
  const overloaded = JSON.stringify({ error: { message: "Overloaded", type: "overloaded_error" } });
  const arrivals = [];
  const answered = [];
  let startedAt;
  const server = createServer((incoming, response) => {
    const at = performance.now() - startedAt;
    const isUp = startedAt === undefined || (at >= outageMs && !(answered.at(-capacity) > at - 1000));
    if (startedAt !== undefined) arrivals.push(at);
    if (startedAt !== undefined && isUp) answered.push(at);
    incoming.resume().once("end", () => {
      response.writeHead(isUp ? 200 : 503, { "content-type": "application/json" });
      response.end(isUp ? answer : overloaded);
    });
  });
  server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }));
  await once(process, "message");
  startedAt = performance.now();
  await once(process, "message");
  const after = arrivals.filter((at) => at >= outageMs);
  const load = after.map((start, index) => after.findLastIndex((at) => at < start + 1000) - index + 1);
  process.send({ peak: Math.max(...load), drainedAtMs: answered.at(-1), requests: arrivals.length });
}
