/**
 * Compares the cost of the MCP layer with a client that does nothing but JSON-RPC: the host's processor time for each tool call, from the
 * model's arguments to the result. Every client and every server is a process of its own, and the rounds alternate. Prints medians, and the
 * median of the ratios within a round.
 *
 *   npm run build && node scripts/bench/mcp-calls.mjs [rounds] [folder of the compiled code, and more to compare]
 */
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";

const workloads = {
  "stdio, one at a time": { way: "stdio", calls: 1000, atOnce: 1 },
  "stdio, 8 at once": { way: "stdio", calls: 2000, atOnce: 8 },
  "HTTP with JSON, one at a time": { way: "json", calls: 500, atOnce: 1 },
  "HTTP with events, one at a time": { way: "sse", calls: 500, atOnce: 1 },
  "HTTP with events, 8 at once": { way: "sse", calls: 1000, atOnce: 8 },
  "HTTP of 2026-07-28, one at a time": { way: "modern", calls: 500, atOnce: 1 },
};
const modernVersion = "2026-07-28";
const tool = {
  name: "echo",
  description: "Says it again.",
  inputSchema: { type: "object", properties: { text: { type: "string" } }, required: ["text"] },
};
const args = { text: "Tell me something about the sea, and about the ships on it." };

const [role = "compare", ...parameters] = process.argv.slice(2);
const roles = { http: serveHttp, stdio: serveStdio, bare: () => client(bareCalls), ours: () => client(ourCalls) };
await (roles[role] ?? compare)();

async function compare() {
  const [rounds = 15, ...folders] = Number(role) ? [Number(role), ...parameters] : [];
  const server = start("http");
  const { port } = await server.next({});
  const names = folders.length > 0 ? folders : ["dist"];
  const clients = { bare: start("bare", port) };
  for (const folder of names) clients[folder] = start("ours", port, folder);
  for (const [title, workload] of Object.entries(workloads)) {
    const costs = Object.fromEntries(Object.keys(clients).map((name) => [name, []]));
    // The first two rounds only warm up.
    for (let round = -2; round < rounds; round++) {
      const order = Object.entries(clients);
      for (const [name, { next }] of round % 2 ? order : order.toReversed()) {
        const { cost } = await next(workload);
        if (round >= 0) costs[name].push(cost);
      }
    }
    const line = Object.entries(costs).map(([name, values]) => {
      const ratio = median(values.map((value, round) => value / costs.bare[round]));
      return `${name} ${median(values).toFixed(0).padStart(5)} µs ${ratio.toFixed(2).padStart(5)}x`;
    });
    process.stdout.write(`${title.padEnd(36)}${line.join("   ")}\n`);
  }
  for (const { child } of [server, ...Object.values(clients)]) child.disconnect();
}

function start(...words) {
  const child = fork(fileURLToPath(import.meta.url), words.map(String));
  const next = async (message) => {
    child.send(message);
    return (await once(child, "message"))[0];
  };
  return { child, next };
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Runs each workload that its parent sends, and replies with the processor time of one call in microseconds. */
async function client(open) {
  const ways = new Map();
  process.on("message", async ({ way, calls, atOnce }) => {
    if (!ways.has(way)) ways.set(way, await open(way, ...parameters));
    const call = ways.get(way);
    globalThis.gc?.();
    const before = process.cpuUsage();
    for (let left = calls; left > 0; left -= atOnce) {
      const texts = await Promise.all(Array.from({ length: atOnce }, call));
      const wrong = texts.find((text) => text !== args.text);
      if (wrong !== undefined) throw new Error(`the server said ${wrong}`);
    }
    const { user, system } = process.cpuUsage(before);
    process.send({ cost: (user + system) / calls });
  });
  process.on("disconnect", () => process.exit());
}

/** Returns a function that makes a bare call, with no limits, checks or error handling: the lower limit of the cost. */
async function bareCalls(way, port) {
  const call = way === "stdio" ? bareStdio() : bareHttp(way, port);
  let id = 0;
  return async () => {
    const message = { jsonrpc: "2.0", id: ++id, method: "tools/call", params: { name: "echo", arguments: args } };
    return (await call(message)).result.content[0].text;
  };
}

function bareStdio() {
  const { stdin, stdout } = spawn(process.execPath, [fileURLToPath(import.meta.url), "stdio"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const waiting = new Map();
  let rest = "";
  stdout.setEncoding("utf8").on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const answer = JSON.parse(line);
      waiting.get(answer.id)(answer);
      waiting.delete(answer.id);
    }
  });
  return (message) =>
    new Promise((resolve) => {
      waiting.set(message.id, resolve);
      stdin.write(`${JSON.stringify(message)}\n`);
    });
}

function bareHttp(way, port) {
  const agent = new Agent({ keepAlive: true });
  return (message) =>
    new Promise((resolve, reject) => {
      const body = JSON.stringify(message);
      const headers = {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-session-id": "s1",
        "content-length": Buffer.byteLength(body),
      };
      const options = { host: "127.0.0.1", port, path: `/${way}`, method: "POST", agent, headers };
      const sent = request(options, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk) => {
          text += chunk;
        });
        response.on("end", () => resolve(JSON.parse(way === "sse" ? text.slice(text.indexOf("data: ") + 6) : text)));
      });
      sent.on("error", reject).end(body);
    });
}

async function ourCalls(way, port, dist) {
  const at = (path) => import(pathToFileURL(`${dist}/${path}`).href);
  const [{ McpHub }, { loadConfig }] = await Promise.all([at("mcp/hub.js"), at("config/reading/load.js")]);
  const protocol = way === "modern" ? "modern" : "legacy";
  const server =
    way === "stdio"
      ? { command: process.execPath, args: [fileURLToPath(import.meta.url), "stdio"], protocol }
      : { url: `http://127.0.0.1:${port}/${way}`, type: "http", protocol };
  const { config } = loadConfig({ mcpServers: { b: server } }, { env: {} });
  // The host also passes a folder of stored logins, for servers whose configuration contains none.
  const auth = { folder: join(tmpdir(), "mcp-calls-without-logins") };
  const hub = new McpHub(config.mcpServers, { observe: () => {}, auth });
  hub.start();
  await hub.ready();
  const [{ state, reason }] = hub.servers();
  if (state !== "ready") throw new Error(`${way}: ${state}, ${reason}`);
  const written = JSON.stringify(args);
  const { signal } = new AbortController();
  return async () => {
    const prepared = hub.prepare({ id: "call_1", name: "b__echo", arguments: written });
    const { content } = await prepared.send({ signal, callId: "0123456789abcdef" });
    return content[0].text;
  };
}

function answerTo({ id, method, params }) {
  if (id === undefined) return undefined;
  const serverInfo = { name: "bench", version: "1" };
  const capabilities = { tools: {} };
  const results = {
    initialize: () => ({ protocolVersion: params.protocolVersion, capabilities, serverInfo }),
    "server/discover": () => ({ supportedVersions: [modernVersion], capabilities, serverInfo }),
    "tools/list": () => ({ tools: [tool] }),
    "tools/call": () => ({ content: [{ type: "text", text: params.arguments.text }] }),
  };
  const result = results[method]?.();
  const answer = result ? { result } : { error: { code: -32601, message: "no such method" } };
  return JSON.stringify({ jsonrpc: "2.0", id, ...answer });
}

function serveStdio() {
  createInterface({ input: process.stdin }).on("line", (line) => {
    const answer = answerTo(JSON.parse(line));
    if (answer) process.stdout.write(`${answer}\n`);
  });
}

async function serveHttp() {
  const server = createServer((incoming, response) => {
    const pieces = [];
    incoming.on("data", (piece) => pieces.push(piece));
    incoming.on("end", () => {
      if (incoming.method !== "POST") return response.writeHead(405).end();
      const answer = answerTo(JSON.parse(Buffer.concat(pieces).toString()));
      if (!answer) return response.writeHead(202).end();
      const isStream = incoming.url === "/sse";
      response.writeHead(200, {
        "content-type": isStream ? "text/event-stream" : "application/json",
        ...(incoming.url !== "/modern" && { "mcp-session-id": "s1" }),
      });
      return response.end(isStream ? `event: message\ndata: ${answer}\n\n` : answer);
    });
  });
  server.keepAliveTimeout = 60_000;
  await once(server.listen(0, "127.0.0.1"), "listening");
  process.on("message", () => process.send({ port: server.address().port }));
  process.on("disconnect", () => process.exit());
}
