/**
 * Cost of the LLM layer over bare `node:http` with keep-alive: processor time of the client for each request (one at a
 * time, and 64 in flight) and for each chunk of a stream. Every client is a process of its own and so is the server; the
 * rounds are interleaved, and what is printed are medians and the median of the ratios within a round.
 *
 *   npm run build && node scripts/bench/llm.mjs [rounds] [folder of the compiled code]
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { Agent, createServer, request } from "node:http";
import { fileURLToPath, pathToFileURL } from "node:url";

const CHUNKS = 20_000;
const WORKLOADS = {
  "W1 request, one at a time": { requests: 400, inFlight: 1, streaming: false, unit: "request" },
  "W2 request, 64 in flight": { requests: 800, inFlight: 64, streaming: false, unit: "request" },
  "W3 chunk of a stream": { requests: 2, inFlight: 1, streaming: true, unit: "chunk" },
};
const PROMPT = "Tell me something about the sea. ".repeat(20);

const [role = "compare", ...args] = process.argv.slice(2);
const roles = {
  serve,
  bare: () => client(bareClient),
  axios: () => client(axiosClient),
  ours: () => client(ourClient),
};
await (roles[role] ?? compare)();

async function compare() {
  const [rounds = "15", dist = "dist"] = Number(role) ? [role, ...args] : [];
  const server = await start("serve");
  const { port } = await server.next({});
  const clients = Object.fromEntries(
    await Promise.all(["bare", "axios", "ours"].map(async (name) => [name, await start(name, port, dist)])),
  );
  for (const [title, workload] of Object.entries(WORKLOADS)) {
    const costs = Object.fromEntries(Object.keys(clients).map((name) => [name, []]));
    // The first two rounds only warm up.
    for (let round = -2; round < Number(rounds); round++) {
      const order = Object.keys(clients).sort((a, b) => ((a + round).length + round) % 2 || a.localeCompare(b));
      for (const name of round % 2 ? order : order.toReversed()) {
        const { cost } = await clients[name].next(workload);
        if (round >= 0) costs[name].push(cost);
      }
    }
    const line = Object.entries(costs).map(([name, values]) => {
      const ratio = median(values.map((value, round) => value / costs.bare[round]));
      return `${name} ${median(values).toFixed(1).padStart(6)} µs ${ratio.toFixed(2).padStart(6)}x`;
    });
    process.stdout.write(`${title.padEnd(28)}${line.join("   ")}\n`);
  }
  for (const { child } of [server, ...Object.values(clients)]) child.disconnect();
}

async function start(...parameters) {
  const child = fork(fileURLToPath(import.meta.url), parameters.map(String));
  const next = async (message) => {
    child.send(message);
    return (await once(child, "message"))[0];
  };
  return { child, next };
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Carries out the workloads that it is sent, and answers each with the processor time of one unit in microseconds. */
async function client(makeClient) {
  const [port, dist] = args;
  const send = await makeClient(`http://127.0.0.1:${port}/v1`, dist);
  process.on("message", async ({ requests, inFlight, streaming }) => {
    globalThis.gc?.();
    const before = process.cpuUsage();
    let left = requests;
    const work = async () => {
      while (left-- > 0) await send(streaming);
    };
    await Promise.all(Array.from({ length: inFlight }, work));
    const { user, system } = process.cpuUsage(before);
    process.send({ cost: (user + system) / requests / (streaming ? CHUNKS : 1) });
  });
}

function bodyOf(streaming) {
  return { model: "m1", messages: [{ role: "user", content: PROMPT }], stream: streaming };
}

/** What a completion costs at the very least: no limits, no retries, no checks. */
function bareClient(baseUrl) {
  const agent = new Agent({ keepAlive: true });
  const url = new URL(`${baseUrl}/chat/completions`);
  return (streaming) =>
    new Promise((resolve, reject) => {
      const body = JSON.stringify(bodyOf(streaming));
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
      const sent = request(url, { method: "POST", agent, headers }, (response) => {
        response.setEncoding("utf8");
        resolve(collect(response, streaming));
      });
      sent.on("error", reject).end(body);
    });
}

/** The three packages the obvious way. */
async function axiosClient(baseUrl) {
  const [{ default: axios }, { default: axiosRetry }, { default: KeepAlive }] = await Promise.all([
    import("axios"),
    import("axios-retry"),
    import("agentkeepalive"),
  ]);
  const instance = axios.create({ baseURL: baseUrl, timeout: 30_000, httpAgent: new KeepAlive() });
  axiosRetry(instance, { retries: 3 });
  return async (streaming) => {
    const responseType = streaming ? "stream" : "json";
    const { data } = await instance.post("/chat/completions", bodyOf(streaming), { responseType });
    return streaming ? collect(data.setEncoding("utf8"), true) : data.choices[0].message.content;
  };
}

function collect(response, streaming) {
  return new Promise((resolve, reject) => {
    let rest = "";
    let content = "";
    response.on("data", (text) => {
      rest += text;
      if (!streaming) return;
      const events = rest.split("\n\n");
      rest = events.pop();
      for (const event of events) {
        if (event !== "data: [DONE]") content += JSON.parse(event.slice(6)).choices[0]?.delta.content ?? "";
      }
    });
    response.on("end", () => resolve(streaming ? content : JSON.parse(rest).choices[0].message.content));
    response.on("error", reject);
  });
}

async function ourClient(baseUrl, dist) {
  const at = (path) => import(pathToFileURL(`${dist}/${path}`).href);
  const [{ LlmClient }, { loadConfig }] = await Promise.all([at("llm/client.js"), at("config/load.js")]);
  const { config } = loadConfig(
    { llm: { active: "test", providers: { test: { base_url: baseUrl, model: "m1", api_key: "sk-0123456789" } } } },
    { env: {} },
  );
  const llm = new LlmClient(config.llm, { env: {}, observe: () => {} });
  const completion = { messages: [{ role: "user", content: [{ type: "text", text: PROMPT }] }], tools: [] };
  return async (streaming) => {
    let content = "";
    const onDelta = ({ delta }) => {
      content += delta;
    };
    const { message } = await llm.complete(completion, { streaming, onDelta });
    return streaming ? content : message.content;
  };
}

async function serve() {
  const chunk = (delta, finish_reason = null) =>
    `data: ${JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "m1", choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
  const stream = Buffer.from(`${chunk({ content: "word " }).repeat(CHUNKS)}${chunk({}, "stop")}data: [DONE]\n\n`);
  const whole = Buffer.from(
    JSON.stringify({
      id: "chatcmpl-1",
      choices: [{ index: 0, message: { role: "assistant", content: "A short answer." }, finish_reason: "stop" }],
      usage: { prompt_tokens: 10, completion_tokens: 5 },
    }),
  );
  const server = createServer((incoming, response) => {
    const pieces = [];
    incoming.on("data", (piece) => pieces.push(piece));
    incoming.on("end", () => {
      const streaming = Buffer.concat(pieces).includes('"stream":true');
      response.writeHead(200, { "content-type": streaming ? "text/event-stream" : "application/json" });
      response.end(streaming ? stream : whole);
    });
  });
  server.keepAliveTimeout = 60_000;
  await once(server.listen(0, "127.0.0.1"), "listening");
  process.on("message", () => process.send({ port: server.address().port }));
  process.on("disconnect", () => process.exit());
}
