/**
 * Simulates `serve` over a long time: conversations come, take some turns over HTTP and WebSocket, and are not used again. Prints at
 * intervals what the host keeps while it is idle: memory after garbage collection, timers and handles, and processor time. Every column
 * has to stay constant.
 *
 *   npm run build && node scripts/bench/serve-soak.mjs [--conversations 50000] [--minutes 30] [--reports 10] [--storage sqlite|postgres|memory]
 *     [--dist FOLDER] [--snapshot FILE]
 *
 * The run ends with the number of conversations. With `--minutes`, the conversations are spread over this time.
 * `--snapshot` writes a heap snapshot at the end.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { HttpAgent } from "agentkeepalive";
import { WebSocket } from "ws";
import { listening } from "./listening.mjs";

const { values: flags } = parseArgs({
  options: {
    conversations: { type: "string", default: "10000" },
    minutes: { type: "string" },
    reports: { type: "string", default: "10" },
    storage: { type: "string", default: "sqlite" },
    dist: { type: "string", default: "dist" },
    snapshot: { type: "string" },
  },
});
const [conversations, reports] = [Number(flags.conversations), Number(flags.reports)];
const atOnce = 8;
const idleMs = 5_000;
const settleMs = 1_000;

const home = mkdtempSync(join(tmpdir(), "serve-soak-"));
process.once("exit", () => rmSync(home, { recursive: true, force: true }));
const model = await startModel();
const postgres = flags.storage === "postgres" ? await startPostgres() : undefined;
const host = await startHost();
// The host closes an unused connection after 5 s. A request sent at that moment would be reset.
const agent = new HttpAgent({ maxSockets: 2 * atOnce, freeSocketTimeout: 2_000 });

process.stdout.write("conversations   heap MB    RSS MB   handles   idle processor   processor a conversation\n");
let met = 0;
const startedAt = performance.now();
await report(undefined);
for (let number = 1; number <= reports; number++) {
  const before = await host.ask();
  const upTo = Math.round((conversations * number) / reports);
  const share = upTo - met;
  await Promise.all(Array.from({ length: atOnce }, () => converseUntil(upTo)));
  await report({ before, share });
}
if (flags.snapshot) await host.ask({ snapshot: resolve(flags.snapshot) });
agent.destroy();
host.child.kill();
await once(host.child, "exit");
model.close();
await postgres?.[Symbol.asyncDispose]();
process.exit(0);

async function converseUntil(upTo) {
  while (met < upTo) {
    const number = met++;
    if (number % 3 === 0) await single();
    else if (number % 3 === 1) await named(`soak-${number}`);
    else await watched(`soak-${number}`);
    if (flags.minutes === undefined) continue;
    const dueMs = (number / conversations) * Number(flags.minutes) * 60_000;
    await sleep(Math.max(0, dueMs - (performance.now() - startedAt)));
  }
}

/** Makes a call without a conversation: the caller keeps the history. */
function single() {
  return post("/v1/chat/completions", {});
}

async function named(id) {
  for (let turn = 0; turn < 2; turn++) await post("/v1/chat/completions", { "x-conversation-id": id });
}

/** Takes a turn over a WebSocket, which is then closed, as a page does. */
async function watched(id) {
  const socket = new WebSocket(`${host.url.replace("http", "ws")}/ws/chat`);
  await once(socket, "open");
  const ended = new Promise((done, failed) => {
    socket.on("message", (data) => {
      const { status } = JSON.parse(String(data));
      if (status === "error") failed(new Error(String(data)));
      if (status === "complete") done();
    });
  });
  const chat = { action: "chat", conversation_id: id, request_id: `r-${id}`, payload: { text: "hello" } };
  socket.send(JSON.stringify(chat));
  await ended;
  socket.close();
  await once(socket, "close");
}

function post(path, headers) {
  const body = JSON.stringify({ model: "m", messages: [{ role: "user", content: "hello" }] });
  return new Promise((done, failed) => {
    const sent = request(`${host.url}${path}`, {
      method: "POST",
      agent,
      headers: { "content-type": "application/json", ...headers },
    });
    sent.on("response", (response) => {
      let text = "";
      response.on("data", (part) => {
        text += part;
      });
      response.on("end", () => (response.statusCode === 200 ? done(text) : failed(new Error(text))));
    });
    sent.on("error", failed);
    sent.end(body);
  });
}

async function report(load) {
  const loaded = await host.ask();
  await sleep(settleMs);
  await host.ask({ collect: true });
  const idleFrom = await host.ask();
  await sleep(idleMs);
  const idle = await host.ask();
  const percent = (idle.cpuMs - idleFrom.cpuMs) / (idle.at - idleFrom.at);
  const perConversation = load ? `${((loaded.cpuMs - load.before.cpuMs) / load.share).toFixed(2)} ms` : "";
  const cells = [
    met.toLocaleString("en"),
    idleFrom.heapMb.toFixed(1),
    idleFrom.rssMb.toFixed(0),
    String(idleFrom.handles),
    `${(100 * percent).toFixed(2)} %`,
    perConversation,
  ];
  const widths = [13, 10, 10, 10, 17, 27];
  process.stdout.write(`${cells.map((cell, index) => cell.padStart(widths[index])).join("")}\n`);
}

/** Starts `serve` with a preloaded module that answers questions about the process. */
async function startHost() {
  const probe = join(home, "probe.mjs");
  writeFileSync(
    probe,
    `import { setTimeout as sleep } from "node:timers/promises";
import { writeHeapSnapshot } from "node:v8";
process.on("message", async ({ collect, snapshot }) => {
  if (collect) for (let round = 0; round < 4; round++) { globalThis.gc(); await sleep(50); }
  if (snapshot) writeHeapSnapshot(snapshot);
  const { heapUsed, rss } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const handles = process.getActiveResourcesInfo().length;
  process.send({ heapMb: heapUsed / 2 ** 20, rssMb: rss / 2 ** 20, cpuMs: (user + system) / 1000, handles, at: performance.now() });
});
process.channel.unref();\n`,
  );
  const config = join(home, "config.json");
  const { port } = model.address();
  const storage = {
    sqlite: { path: join(home, "log.db") },
    memory: { driver: "memory" },
    postgres: { url: await postgres?.database() },
  }[flags.storage];
  writeFileSync(
    config,
    JSON.stringify({
      llm: {
        active: "soak",
        providers: { soak: { base_url: `http://127.0.0.1:${port}/v1`, model: "m", api_key: "none" } },
      },
      chat: { titles: "first-words", storage },
      serve: { requests_per_minute: 1_000_000 },
    }),
  );
  const args = ["--config", config, "serve", "--port", "0", "--no-token"];
  const child = fork(resolve(flags.dist, "main.js"), args, {
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home },
    execArgv: ["--expose-gc", "--import", probe],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const url = await listening(child);
  const ask = async (question = {}) => {
    child.send(question);
    return (await once(child, "message"))[0];
  };
  return { child, url, ask };
}

/** Starts a model that answers at once. */
async function startModel() {
  const server = createServer(async (incoming, response) => {
    let text = "";
    for await (const part of incoming) text += part;
    const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
    if (JSON.parse(text).stream) {
      response.writeHead(200, { "content-type": "text/event-stream" });
      const chunk = (delta, finish_reason) => ({ id: "c", choices: [{ index: 0, delta, finish_reason }] });
      for (const each of [chunk({ role: "assistant", content: "done" }, null), { ...chunk({}, "stop"), usage }])
        response.write(`data: ${JSON.stringify(each)}\n\n`);
      response.end("data: [DONE]\n\n");
      return;
    }
    const message = { role: "assistant", content: "done" };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ choices: [{ index: 0, message, finish_reason: "stop" }], usage }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function startPostgres() {
  await import("../ts-node.mjs");
  const { startPostgres: start } = await import("../../tests/support/postgres.ts");
  return start();
}
