/**
 * Measures by how much lists, searches, reports, exports and retention delay the streams of the same host. 100 clients each read a stream of 50
 * tokens a second, and each token holds the time at which the model wrote it. Meanwhile another client asks for one thing after the other, each
 * 100 ms after the answer to the one before. Prints for each of these things the age of a token when a client gets it (p50 and p99, in ms), by
 * how much p99 is above that of streams alone, and the longest stall of the host's event loop.
 *
 *   npm run build && node scripts/bench/growth/beside-streams.mjs [--conversations 100000] [--seconds 8] [--engines sqlite,postgres]
 *     [--streams 100] [--dist dist]
 *
 * Model and clients are processes of their own and share the machine's processors with the host. Linux only.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { appendTurns } from "../long-log.mjs";
import { Home } from "./host.mjs";
import { fillDatabase, fillFile } from "./log-maker.mjs";

const tokenMs = 20;
const pauseMs = 100;
const now = () => performance.timeOrigin + performance.now();

const [role, parameter] = process.argv.slice(2);
if (role === "model") serveModel();
else if (role === "clients") await readStreams(JSON.parse(parameter));
else await measureAll();

async function measureAll() {
  const { values: flags } = parseArgs({
    options: {
      conversations: { type: "string", default: "100000" },
      seconds: { type: "string", default: "8" },
      streams: { type: "string", default: "100" },
      engines: { type: "string", default: "sqlite,postgres" },
      dist: { type: "string", default: "dist" },
    },
  });
  const load = (path) => import(pathToFileURL(resolve(flags.dist, path)).href);
  const [{ openStore }, { connect }] = await Promise.all(["log/open.js", "log/sqlite/connection.js"].map(load));
  const conversations = Number(flags.conversations);
  for (const engine of flags.engines.split(",")) {
    const folder = mkdtempSync(join(tmpdir(), "beside-streams-"));
    const server = engine === "postgres" ? await startServer() : undefined;
    const storage = server
      ? { driver: "postgres", url: await server.database() }
      : { driver: "sqlite", path: join(folder, "log.db") };
    try {
      const open = () => openStore(storage, { now: Date.now, observe: () => {} });
      await (await open()).close();
      const log = { conversations, events: 3 };
      await (server ? fillDatabase(storage.url, log) : fillFile(storage.path, log, connect));
      const store = await open();
      await appendTurns(store, "long", 1_000);
      await store.close();
      await measure({ engine, folder, storage, flags, conversations });
    } finally {
      await server?.[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    }
  }
}

async function measure({ engine, folder, storage, flags, conversations }) {
  const model = fork(fileURLToPath(import.meta.url), ["model"]);
  const [port] = await once(model, "message");
  const home = new Home(folder, flags.dist, `http://127.0.0.1:${port}/v1`);
  await home.configure(storage);
  const host = await home.serve();
  const clients = fork(fileURLToPath(import.meta.url), [
    "clients",
    JSON.stringify({ url: host.url, streams: flags.streams }),
  ]);
  await once(clients, "message");
  const exportPath = (format) => `/api/sessions/long/export?format=${format}`;
  const rows = {
    "the first seconds": undefined,
    "streams alone": undefined,
    lists: ["/api/sessions?limit=50", "/api/sessions?limit=500"],
    searches: ["/api/sessions?limit=50&q=Weather", "/api/sessions?limit=50&q=nowhere"],
    usage: ["day", "model", "tool", "conversation"].map((by) => `/api/usage?since=700d&by=${by}&limit=50`),
    "an export of 1,000 turns": ["md", "json", "html"].map(exportPath),
    "streams alone, once more": undefined,
    "retention that deletes": [],
  };
  process.stdout.write(`${engine}, ${conversations} conversations, ${flags.streams} streams\n`);
  let alone = Number.NaN;
  for (const [name, paths] of Object.entries(rows)) {
    // The host applies new rules at once. On PostgreSQL, hosts delete once an hour, and this host has just done so.
    if (paths?.length === 0) {
      if (engine === "postgres") continue;
      await home.change(storage, { max_conversations: 1_000 });
    }
    await host.stallMs();
    clients.send("begin");
    const until = performance.now() + Number(flags.seconds) * 1000;
    let asked = 0;
    while (performance.now() < until) {
      if (paths?.length) await host.fetched(paths[asked++ % paths.length]);
      await sleep(pauseMs);
    }
    clients.send("end");
    const [{ p50, p99, tokens }] = await once(clients, "message");
    const stallMs = await host.stallMs();
    if (name === "streams alone") alone = p99;
    const figures = [`p50 ${p50.toFixed(1)}`, `p99 ${p99.toFixed(1)}`, `added ${(p99 - alone).toFixed(1)}`];
    const counts = [`stall ${stallMs.toFixed(0)} ms`, `${tokens} tokens`, `${asked} asked`];
    process.stdout.write(`${name.padEnd(26)}${[...figures, ...counts].join(", ")}, load ${loadavg()[0].toFixed(1)}\n`);
  }
  clients.kill();
  await host.end();
  home.close();
  model.kill();
}

async function startServer() {
  await import("../../ts-node.mjs");
  return (await import("../../../tests/support/postgres.ts")).startPostgres();
}

/** Answers each request with tokens until it is closed. */
function serveModel() {
  const server = createServer((incoming, response) => {
    incoming.resume();
    response.writeHead(200, { "content-type": "text/event-stream" });
    const write = () => {
      const choice = { index: 0, delta: { content: `${now()} ` }, finish_reason: null };
      response.write(`data: ${JSON.stringify({ choices: [choice] })}\n\n`);
    };
    // Streams begin at different moments, so that they do not all write at the same one.
    setTimeout(() => {
      const timer = setInterval(write, tokenMs);
      response.on("close", () => clearInterval(timer));
    }, Math.random() * tokenMs);
  });
  server.listen(0, "127.0.0.1", () => process.send(server.address().port));
}

/** Reads the streams. Between the messages `begin` and `end`, collects the ages of their tokens. */
async function readStreams({ url, streams }) {
  let ages = [];
  const read = async () => {
    const body = JSON.stringify({ model: "mcp-platform", stream: true, messages: [{ role: "user", content: "Go" }] });
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    await reader.read();
    return async () => {
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        const at = now();
        for (const [, written] of part.value.matchAll(/"content":"([\d. ]+)"/g))
          for (const time of written.trim().split(" ")) ages.push(at - Number(time));
      }
      throw new Error("a stream has ended");
    };
  };
  const readers = await Promise.all(Array.from({ length: Number(streams) }, read));
  for (const reader of readers) void reader();
  process.on("message", (message) => {
    if (message === "end") {
      ages.sort((a, b) => a - b);
      const at = (share) => ages[Math.floor(ages.length * share)];
      process.send({ p50: at(0.5), p99: at(0.99), tokens: ages.length });
    }
    ages = [];
  });
  process.send("ready");
}
