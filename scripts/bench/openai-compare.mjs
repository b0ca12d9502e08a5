/**
 * Compares the official `openai` SDK and this host on the same faults, byte for byte. In each case, each client has its own server, which
 * counts requests and connections. Both clients may retry three times, with a request timeout of 1 s; all other options have their
 * defaults. Prints a Markdown table. Needs `npm run build`.
 */
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import OpenAI from "openai";
import { createApp } from "../../dist/index.js";

const timeoutMs = 1000;
const maxRetries = 3;
/** A client that has not finished after this time is considered hung. */
const patienceMs = 15_000;
const answerText = "Hello you there";

const delta = (content, reason = null) => ({ choices: [{ index: 0, delta: { content }, finish_reason: reason }] });
const event = (data) => `data: ${JSON.stringify(data)}\n\n`;
const words = answerText.split(/(?= )/);
const overloaded = { error: { message: "Overloaded", type: "overloaded_error", code: "overloaded" } };

/** The steps of a server: each answers one request. The last step of a case also answers all further requests. */
const whole = (socket, { streaming }) => {
  if (!streaming) {
    const message = { role: "assistant", content: answerText };
    return answer(socket, 200, JSON.stringify({ choices: [{ index: 0, message, finish_reason: "stop" }] }));
  }
  begin(socket);
  for (const word of words) write(socket, event(delta(word)));
  write(socket, `${event(delta("", "stop"))}data: [DONE]\n\n`);
  socket.write("0\r\n\r\n");
};
const status = (code, headers) => (socket) =>
  answer(socket, code, JSON.stringify({ error: { message: "no" } }), headers);
const reset = (socket) => socket.resetAndDestroy();
const silence = () => {};
/** Returns a step that streams these events and then ends the stream with `end`. */
const broken = (events, end) => (socket) => {
  begin(socket);
  for (const each of events) write(socket, typeof each === "string" ? each : event(each));
  setTimeout(end, 20, socket);
};
const cut = (socket) => socket.end();
const cleanEnd = (socket) => socket.write("0\r\n\r\n");
const comments = async (socket) => {
  for (; !socket.destroyed; await sleep(100)) write(socket, ": still working\n\n");
};
const first = delta(words[0]);
const thenClosed = (socket, request) => {
  whole(socket, request);
  socket.end();
};

const cases = [
  { name: "429, `Retry-After: 1`", steps: [status(429, { "retry-after": "1" }), whole] },
  { name: "429, `Retry-After: 9999999999`", steps: [status(429, { "retry-after": "9999999999" })] },
  { name: "500", steps: [status(500), whole] },
  { name: "503 three times", steps: [status(503), status(503), status(503), whole] },
  { name: "reset before the headers", steps: [reset, whole] },
  { name: "no headers within the timeout", steps: [silence, whole] },
  { name: "kept connection closed by the server", steps: [thenClosed, whole], rounds: 2 },
  { name: "200 that is half a document", streaming: false, steps: [halfDocument, whole] },
  {
    name: "200 with an error inside",
    streaming: false,
    steps: [(socket) => answer(socket, 200, JSON.stringify(overloaded)), whole],
  },
  { name: "stream cut before the first word", steps: [broken([], cut), whole] },
  { name: "stream that ends cleanly before the first word", steps: [broken([], cleanEnd), whole] },
  { name: "error in the stream before the first word", steps: [broken([overloaded], cleanEnd), whole] },
  { name: "stream of comments only", steps: [broken([], comments), whole] },
  { name: "stream cut after the first word", steps: [broken([first], cut), whole] },
  { name: "stream that ends cleanly after the first word", steps: [broken([first], cleanEnd), whole] },
  { name: "error in the stream after the first word", steps: [broken([first, overloaded], cleanEnd), whole] },
  { name: "half an event, then a clean end", steps: [broken([first, 'data: {"choices":[{"de'], cleanEnd), whole] },
  { name: "stream that stands still after the first word", steps: [broken([first], silence), whole] },
  { name: "stream of comments after the first word", steps: [broken([first], comments), whole] },
];

function halfDocument(socket) {
  socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{"choices":[{');
  setTimeout(cut, 20, socket);
}

const rows = await Promise.all(
  cases.map(async (scenario) => [scenario.name, await measure(scenario, sdk), await measure(scenario, host)]),
);
const table = [
  ["case", "`openai` SDK", "requests", "sockets", "MCP-Platform", "requests", "sockets"],
  Array(7).fill("---"),
  ...rows.map(([name, sdk, host]) => [name, ...sdk, ...host]),
];
for (const row of table) process.stdout.write(`| ${row.join(" | ")} |\n`);
process.exit();

/** Resolves with the outcome, the requests and the connections of one client in one case. */
async function measure({ steps, streaming = true, rounds = 1 }, client) {
  const server = await serve(steps, streaming);
  const ask = client(server.url);
  const startedAt = performance.now();
  let outcome = "";
  for (let round = 0; round < rounds; round++) {
    const hangs = sleep(patienceMs, `**hangs** (more than ${patienceMs / 1000} s)`, { ref: false });
    const error = ({ message, kind }) => `${kind ?? "error"}: ${message.replaceAll("\n", " ").slice(0, 90)}`;
    outcome = await Promise.race([ask(streaming).catch(error), hangs]);
  }
  const took = ((performance.now() - startedAt) / 1000).toFixed(1);
  server.close();
  return [`${outcome}, ${took} s`, server.requests(), server.connections()];
}

/** Makes the SDK's client for a case. Returns a function that sends one request with it. */
function sdk(url) {
  const client = new OpenAI({ baseURL: url, apiKey: "sk-test", timeout: timeoutMs, maxRetries: maxRetries });
  const request = { model: "m", messages: [{ role: "user", content: "Hello" }] };
  return async (streaming) => {
    if (!streaming) return verdict((await client.chat.completions.create(request)).choices?.[0]?.message?.content);
    let text = "";
    for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) {
      text += chunk.choices[0]?.delta?.content ?? "";
    }
    return verdict(text);
  };
}

function host(url) {
  const app = startHost(url);
  const request = { messages: [{ role: "user", content: [{ type: "text", text: "Hello" }] }], tools: [] };
  return async (streaming) => {
    const { orchestrator } = await app;
    if (!streaming) return verdict((await orchestrator.callOpenAIApi(request)).message.content);
    let restarted = "";
    for await (const happening of orchestrator.streamOpenAIApi(request, { streamRecovery: "restart" })) {
      if (happening.type === "discard") restarted = " by a restart";
      if (happening.type === "completion") return verdict(happening.completion.message.content) + restarted;
    }
  };
}

function startHost(url) {
  const limits = { timeout: timeoutMs / 1000, ttft_timeout: timeoutMs / 1000, idle_timeout: timeoutMs / 1000 };
  return createApp({
    env: {},
    observe: () => {},
    config: {
      llm: {
        active: "test",
        http: { ...limits, max_retries: maxRetries },
        providers: { test: { base_url: url, model: "m", api_key: "sk-test" } },
      },
      chat: { storage: { driver: "memory" } },
      mcpServers: {},
    },
  });
}

function verdict(text) {
  if (text === answerText) return "recovered";
  return text ? `**"${text}" as if it were whole**` : "**an empty answer as if it were whole**";
}

/** Starts a keep-alive server on loopback that answers its nth request with the nth step. */
function serve(steps, streaming) {
  const sockets = new Set();
  let requests = 0;
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket.on("error", () => {}));
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk;
      const end = received.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? 0);
      if (received.length < end + 4 + length) return;
      received = "";
      const step = steps[Math.min(requests, steps.length - 1)];
      requests++;
      step(socket, { streaming });
    });
  });
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const url = `http://127.0.0.1:${server.address().port}/v1`;
      resolve({ url, requests: () => requests, connections: () => connections, close });
    });
  });
}

function answer(socket, code, body, headers = {}) {
  const lines = Object.entries({ "content-type": "application/json", "content-length": body.length, ...headers });
  socket.write(`HTTP/1.1 ${code} X\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`);
}

function begin(socket) {
  socket.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n");
}

function write(socket, text) {
  socket.write(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
}
