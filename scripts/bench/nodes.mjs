/**
 * Compares turns on hosts that share a PostgreSQL with turns on one host with an SQLite file. The model and the tool answer at once.
 * Measures the time of one turn after the other, the time of each step (an answer of the model with a tool call, and its result), and
 * the turns a second of one, two and three hosts with many turns in flight. Every host is a process, and the rounds alternate. Prints
 * medians, and ratios to the host with the file in the same run. Only the ratios can be compared between machines. More hosts than
 * processors bring no more turns a second.
 *
 *   npm run build && node scripts/bench/nodes.mjs [rounds] [postgres://… | postgres] [folder of the compiled code]
 *
 * `postgres` starts a server from npm and stops it after the run. Like any other server, it acknowledges a commit once it is on the disk.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const stepsPerTurn = 5;
const inFlight = 32;
const [role = "compare", ...args] = process.argv.slice(2);
await ({ model, node }[role] ?? compare)();

async function compare() {
  const [rounds = "5", where = "postgres", dist = "dist"] = Number(role) ? [role, ...args] : [];
  const folder = mkdtempSync(join(tmpdir(), "nodes-"));
  const server = where === "postgres" ? await startServer() : undefined;
  const url = server ? await server.database() : where;
  const provider = await start("model");
  const { port } = await provider.next({});
  const file = { driver: "sqlite", path: join(folder, "log.db"), durability: "full" };
  const embedded = await start("node", port, dist, JSON.stringify(file));
  const nodes = [];
  for (let index = 0; index < 3; index++) nodes.push(await start("node", port, dist, JSON.stringify({ url })));

  const workloads = { turn: { steps: 0, turns: 100 }, steps: { steps: stepsPerTurn, turns: 30 } };
  const costs = { file: { turn: [], steps: [] }, postgres: { turn: [], steps: [] } };
  const rates = { file: [], 1: [], 2: [], 3: [] };
  // The first round only warms up.
  for (let round = -1; round < Number(rounds); round++) {
    for (const [name, workload] of Object.entries(workloads)) {
      for (const [kind, host] of Object.entries({ file: embedded, postgres: nodes[0] })) {
        const { ms } = await host.next({ ...workload, inFlight: 1 });
        if (round >= 0) costs[kind][name].push(ms / workload.turns);
      }
    }
    for (const count of ["file", 1, 2, 3]) {
      const hosts = count === "file" ? [embedded] : nodes.slice(0, count);
      const turns = 300;
      const startedAt = performance.now();
      await Promise.all(hosts.map((host) => host.next({ steps: 0, turns: turns / hosts.length, inFlight: inFlight })));
      if (round >= 0) rates[count].push((1000 * turns) / (performance.now() - startedAt));
    }
  }
  const turn = Object.fromEntries(Object.entries(costs).map(([kind, { turn }]) => [kind, median(turn)]));
  const step = Object.fromEntries(
    Object.entries(costs).map(([kind, { steps }]) => [kind, (median(steps) - turn[kind]) / stepsPerTurn]),
  );
  print(`on ${availableParallelism()} processors, one turn after the other`);
  print(row("a turn", turn));
  print(row("a step", step));
  print(`turns a second, ${inFlight} in flight on each host`);
  const base = median(rates.file);
  for (const [count, values] of Object.entries(rates)) {
    const name = count === "file" ? "one host, its file" : `${count} on PostgreSQL`;
    print(`  ${name.padEnd(20)}${median(values).toFixed(0).padStart(6)}   ${(median(values) / base).toFixed(2)}x`);
  }
  for (const { child } of [embedded, ...nodes, provider]) child.disconnect();
  await Promise.all([embedded, ...nodes].map(({ child }) => once(child, "exit")));
  await server?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
}

function row(name, { file, postgres }) {
  const added = `${(postgres - file).toFixed(2)} ms more`;
  return `  ${name.padEnd(10)}file ${file.toFixed(2)} ms   PostgreSQL ${postgres.toFixed(2)} ms   ${(postgres / file).toFixed(2)}x, ${added}`;
}

/** Runs a host in its own process, which runs the turns that its parent asks for. */
async function node() {
  const [port, dist, storage] = args;
  const { createApp } = await import(pathToFileURL(resolve(dist, "index.js")).href);
  const counting = fileURLToPath(new URL("../../tests/support/counting-server.mjs", import.meta.url));
  const config = {
    llm: {
      active: "bench",
      http: { max_connections: 100 },
      providers: { bench: { base_url: `http://127.0.0.1:${port}/v1`, model: "m", api_key: "none" } },
    },
    mcpServers: { s: { command: process.execPath, args: [counting, "/dev/null"], trusted: true } },
    chat: { storage: JSON.parse(storage), service: { approval: "auto", max_tool_hops: 20 } },
  };
  const app = await createApp({ config, observe: () => {} });
  await app.ready();
  let count = 0;
  async function turns({ steps, turns: many, inFlight }) {
    let left = many;
    const one = async () => {
      while (left-- > 0) {
        const session = app.sessions.open(`c-${process.pid}-${count++}`);
        for await (const _ of session.prompt({ requestId: "r", text: `steps ${steps}` }));
        await app.sessions.forget(session);
      }
    };
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: inFlight }, one));
    return performance.now() - startedAt;
  }
  process.on("message", async (workload) => process.send({ ms: await turns(workload) }));
  process.on("disconnect", () => void app.close().then(() => process.exit(0)));
}

/** Runs the mock model, which calls a tool as often as the prompt says and then answers that it is done. */
async function model() {
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const { messages } = JSON.parse(text);
    const asked = /steps (\d+)/.exec(JSON.stringify(messages.find(({ role }) => role === "user")))?.[1];
    const done = messages.filter(({ role }) => role === "tool").length;
    const call = {
      id: `call_${done}`,
      type: "function",
      function: { name: "s__look", arguments: JSON.stringify({ what: done }) },
    };
    const isDone = done >= Number(asked);
    const message = isDone
      ? { role: "assistant", content: "done" }
      : { role: "assistant", content: null, tool_calls: [call] };
    const choice = { index: 0, message, finish_reason: isDone ? "stop" : "tool_calls" };
    const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ choices: [choice], usage }));
  });
  server.listen(0, "127.0.0.1", () => {
    process.on("message", () => process.send({ port: server.address().port }));
  });
  process.on("disconnect", () => process.exit(0));
}

async function start(...parameters) {
  const child = fork(fileURLToPath(import.meta.url), parameters.map(String));
  const next = async (message) => {
    child.send(message);
    return (await once(child, "message"))[0];
  };
  return { child, next };
}

async function startServer() {
  await import("../ts-node.mjs");
  const { startPostgres } = await import("../../tests/support/postgres.ts");
  return startPostgres(["fsync=on"]);
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

function print(line) {
  process.stdout.write(`${line}\n`);
}
