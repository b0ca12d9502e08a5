/**
 * Measures one `serve` with many clients: idle WebSockets, and concurrent streams, half of them on WebSockets and half as chat completions.
 * Each delta contains the time at which the model wrote it. The host's share of the latency is the latency with the host minus the latency
 * without it. Prints one JSON object: dropped sockets and streams, latency per event in milliseconds, memory of the host.
 *
 *   npm run build && node scripts/bench/doors.mjs [sockets] [streams] [deltas] [milliseconds between deltas]
 */
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";

const [role, ...args] = process.argv.slice(2);
const now = () => performance.timeOrigin + performance.now();
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
if (role === "model") await model(...args.map(Number));
else await measure(...[role ?? 2000, ...args].map(Number));

async function measure(sockets, streams = 500, deltas = 20, everyMs = 250) {
  const provider = fork(fileURLToPath(import.meta.url), ["model", deltas, everyMs].map(String));
  const [{ port }] = await once(provider, "message");
  const host = await startHost(port, streams);
  const before = memoryOf(host.pid);

  const open = await Promise.all(Array.from({ length: sockets }, () => connect(host.url)));
  let dropped = 0;
  for (const socket of open) socket.on("close", () => dropped++);
  const connected = memoryOf(host.pid);

  const direct = await timed(streams, (number) => overHttp(`http://127.0.0.1:${port}/v1`, number));
  const through = await timed(streams, (number) =>
    number % 2 === 0 ? overSocket(open[number], number) : overHttp(`${host.url}/v1`, number),
  );
  const answering = await Promise.all(open.map(isAnswering));
  const after = memoryOf(host.pid);
  process.stdout.write(
    `${JSON.stringify({
      sockets,
      streams,
      events: through.latencies.flat().length,
      droppedSockets: dropped,
      deafSockets: answering.filter((isIt) => !isIt).length,
      brokenStreams: through.broken,
      firstEventMs: compared(direct, through, (latencies) => latencies.slice(0, 1)),
      laterEventsMs: compared(direct, through, (latencies) => latencies.slice(1)),
      seconds: through.seconds,
      memoryMb: { idle: before.now, connected: connected.now, peak: after.peak, after: after.now },
    })}\n`,
  );
  for (const socket of open) socket.terminate();
  host.end();
  provider.disconnect();
}

async function timed(streams, stream) {
  const startedAt = now();
  const all = await Promise.allSettled(Array.from({ length: streams }, (_, number) => stream(number)));
  const whole = all.flatMap(({ status, value }) => (status === "fulfilled" ? [value] : []));
  return {
    latencies: whole,
    broken: streams - whole.length,
    seconds: Number(((now() - startedAt) / 1000).toFixed(2)),
  };
}

function percentiles(latencies) {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share) => Number((sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(2));
  return { p50: at(0.5), p99: at(0.99) };
}

/**
 * Returns the latencies without the host, with it, and the difference. All streams begin at the same moment, so the first event of each
 * waits for the start of the others.
 */
function compared(direct, through, part) {
  const [without, withHost] = [direct, through].map(({ latencies }) => percentiles(latencies.flatMap(part)));
  const added = Object.entries(withHost).map(([key, value]) => [key, Number((value - without[key]).toFixed(2))]);
  return { without, withHost, added: Object.fromEntries(added) };
}

/** Returns the ages in ms of the deltas in a text of their times of writing: `1700000000000.5 1700000000250.5 `. */
function ages(text) {
  return text
    .split(" ")
    .filter(Boolean)
    .map((writtenAt) => now() - Number(writtenAt));
}

async function overHttp(url, number) {
  const body = JSON.stringify({ model: "m1", stream: true, messages: [{ role: "user", content: `go ${number}` }] });
  const response = await fetch(`${url}/chat/completions`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json" },
  });
  const latencies = [];
  const decoder = new TextDecoder();
  let rest = "";
  let isWhole = false;
  for await (const bytes of response.body) {
    const events = (rest + decoder.decode(bytes, { stream: true })).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      if (event === "data: [DONE]") isWhole = true;
      else if (event.startsWith("data: ")) {
        latencies.push(...ages(JSON.parse(event.slice(6)).choices?.[0]?.delta.content ?? ""));
      }
    }
  }
  if (!isWhole) throw new Error("the stream broke off");
  return latencies;
}

function overSocket(socket, number) {
  const requestId = `r${number}`;
  return new Promise((resolve, reject) => {
    const latencies = [];
    socket.on("close", reject);
    socket.on("message", (data) => {
      const { status, chunk } = JSON.parse(data);
      if (chunk.type === "text") latencies.push(...ages(chunk.data));
      if (status === "complete" && chunk.type === "turn_end") resolve(latencies);
      if (status === "error") reject(new Error(chunk.error));
    });
    const payload = { text: `go ${number}`, streaming: true };
    socket.send(JSON.stringify({ action: "chat", request_id: requestId, conversation_id: `c${number}`, payload }));
  });
}

async function connect(url) {
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws/chat`, { perMessageDeflate: false });
  await once(socket, "open");
  return socket.setMaxListeners(20);
}

async function isAnswering(socket) {
  if (socket.readyState !== WebSocket.OPEN) return false;
  const answered = new Promise((resolve) => {
    socket.on("message", (data) => resolve(JSON.parse(data).chunk.type === "pong"));
  });
  socket.send(JSON.stringify({ action: "ping", request_id: "ping" }));
  return Promise.race([answered, sleep(10_000).then(() => false)]);
}

async function startHost(port, streams) {
  const folder = mkdtempSync(join(tmpdir(), "mcp-platform-"));
  const config = {
    llm: {
      active: "test",
      http: { max_connections: streams, queue_timeout: 60 },
      providers: { test: { base_url: `http://127.0.0.1:${port}/v1`, model: "m1" } },
    },
    serve: { port: 0, requests_per_minute: 1_000_000, max_connections: 10_000 },
    chat: { titles: "first-words", storage: { path: join(folder, "log.db") } },
  };
  const file = join(folder, "config.yaml");
  writeFileSync(file, JSON.stringify(config));
  const program = fileURLToPath(new URL("../../dist/main.js", import.meta.url));
  const env = { PATH: process.env.PATH, HOME: folder };
  const child = spawn(process.execPath, [program, "--config", file, "serve", "--no-token"], { env, cwd: folder });
  let said = "";
  while (!said.includes("listening on")) said += (await once(child.stderr, "data"))[0];
  child.stderr.pipe(process.stderr);
  return {
    pid: child.pid,
    url: /listening on (\S+)/.exec(said)[1],
    end() {
      child.once("exit", () => rmSync(folder, { recursive: true }));
      child.kill("SIGINT");
    },
  };
}

/** Returns the resident memory of a process in MB: now, and its maximum so far. */
function memoryOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const megabytes = (name) => Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)[1]) / 1024);
  return { now: megabytes("VmRSS"), peak: megabytes("VmHWM") };
}

async function model(deltas, everyMs) {
  const chunk = (content, finish_reason = null) =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason }] })}\n\n`;
  const server = createServer(async (incoming, response) => {
    incoming.resume();
    await once(incoming, "end");
    response.writeHead(200, { "content-type": "text/event-stream" });
    await sleep(Math.random() * everyMs); // so that the streams do not all write at the same moment
    for (let count = 0; count < deltas; count++) {
      response.write(chunk(`${now()} `));
      await sleep(everyMs);
    }
    response.end(`${chunk("", "stop")}data: [DONE]\n\n`);
  });
  await once(server.listen(0, "127.0.0.1", 2048), "listening");
  process.send({ port: server.address().port });
  process.on("disconnect", () => process.exit());
}
