/**
 * Reads many streams at the same time in one process. Measures the connections that the server counts, of which none may be left at the
 * end, and the memory of each stream, without its prompt, while it is paused in the middle. Prints one JSON object for each wire.
 *
 *   npm run build && node scripts/bench/streams.mjs [streams] [max_connections] [prompt bytes]
 *     [--wires chat,responses,messages,gemini] [--dist folder]
 *
 * `--dist` measures another build.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { wires } from "./compare/servers/wires.mjs";

const [role, parameter] = process.argv.slice(2);
if (role === "serve") await serve(JSON.parse(parameter));
else if (role === "ask") await ask(JSON.parse(parameter));
else await measureAll();

async function measureAll() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { wires: { type: "string", default: "chat" }, dist: { type: "string", default: "dist" } },
  });
  const [streams = 1000, maxConnections = streams, promptBytes = 1000] = positionals.map(Number);
  for (const wire of values.wires.split(",")) {
    const sizes = { wire, streams, maxConnections, promptBytes };
    const measured = await measure({ ...sizes, dist: resolve(values.dist) });
    process.stdout.write(`${JSON.stringify({ ...sizes, ...measured })}\n`);
  }
}

async function measure(options) {
  const { wire, streams, maxConnections } = options;
  const run = (role, parameters, execArgv = []) =>
    fork(fileURLToPath(import.meta.url), [role, JSON.stringify(parameters)], { execArgv });
  const server = run("serve", { wire, awaited: Math.min(streams, maxConnections) });
  const [{ port }] = await once(server, "message");
  const client = run("ask", { ...options, port }, ["--expose-gc"]);
  // Every stream that has a connection is now paused in the middle of its answer.
  await once(server, "message");
  client.send("measure");
  const [memory] = await once(client, "message");
  server.send("go on");
  const [answers] = await once(client, "message");
  client.send("close");
  await once(client, "exit");
  server.send("report");
  const [sockets] = await once(server, "message");
  server.disconnect();
  return { ...answers, ...memory, ...sockets };
}

async function ask({ wire, port, streams, maxConnections, promptBytes, dist }) {
  const [{ LlmClient }, { loadConfig }] = await Promise.all(
    ["llm/client.js", "config/reading/load.js"].map((path) => import(`${dist}/${path}`)),
  );
  const baseUrl = `http://127.0.0.1:${port}/${wire === "gemini" ? "v1beta" : "v1"}`;
  // A provider with an address of its own is asked over `chat`; builds before the other wires do not know the setting.
  const providers = { test: { base_url: baseUrl, model: "m1", api_key: "none", ...(wire !== "chat" && { wire }) } };
  const http = { max_connections: maxConnections, queue_timeout: 60 };
  const { config } = loadConfig({ llm: { active: "test", providers, http } }, { env: {} });
  const client = new LlmClient(config.llm, { env: {}, observe: () => {} });
  const prompt = (number) => `${number} `.padEnd(promptBytes, "Tell me something about the sea. ");
  const complete = (text) => {
    const messages = [{ role: "user", content: [{ type: "text", text }] }];
    return client.complete({ messages, tools: [] }, { streaming: true, streamRecovery: "restart" }, () => {});
  };
  /** Processor time of the collections that only the measurement needs, in ms. */
  let collecting = 0;
  const used = async () => {
    for (let round = 0; round < 3; round++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      const cpuBefore = process.cpuUsage();
      globalThis.gc();
      const { user, system } = process.cpuUsage(cpuBefore);
      collecting += (user + system) / 1000;
    }
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };

  // Warms up, so that everything is loaded and compiled.
  await Promise.all(Array.from({ length: 50 }, () => complete("warm up")));
  // Prompts belong to the caller, so they are made before the measurement. They are flat copies, because V8 would otherwise share their
  // parts.
  const prompts = Array.from({ length: streams }, (_, number) => Buffer.from(prompt(number)).toString());
  const before = await used();
  const startedAt = performance.now();
  collecting = 0;
  const cpuBefore = process.cpuUsage();
  const answers = prompts.map(complete);
  process.on("message", async (message) => {
    if (message === "measure") {
      process.send({ bytesPerStream: Math.round(((await used()) - before) / streams) });
      const texts = (await Promise.all(answers)).map(({ message }) => message.content);
      const answered = texts.filter((text) => text === "one two three").length;
      const { user, system } = process.cpuUsage(cpuBefore);
      const seconds = Number(((performance.now() - startedAt) / 1000).toFixed(2));
      process.send({ answered, seconds, cpuMs: Math.round((user + system) / 1000 - collecting) });
    } else {
      await client.close();
      process.disconnect();
    }
  });
}

async function serve({ wire, awaited }) {
  const { begin, word, end } = wires[wire];
  const rest = word("two ", 1) + word("three", 2) + end("one two three");
  const finish = (response) => response.end(rest);
  const waiting = [];
  let mayGoOn = false;
  let open = 0;
  let mostSockets = 0;
  const server = createServer((incoming, response) => {
    let body = "";
    incoming.setEncoding("utf8").on("data", (text) => {
      body += text;
    });
    incoming.on("end", () => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(begin + word("one ", 0));
      if (mayGoOn || body.includes("warm up")) return finish(response);
      waiting.push(response);
      if (waiting.length === awaited) process.send("waiting");
    });
  });
  server.keepAliveTimeout = 60_000;
  server.on("connection", (socket) => {
    mostSockets = Math.max(mostSockets, ++open);
    socket.on("error", () => {}).once("close", () => open--);
  });
  await once(server.listen(0, "127.0.0.1", 2048), "listening");
  process.send({ port: server.address().port });
  process.on("message", async (message) => {
    if (message === "go on") {
      mayGoOn = true;
      for (const response of waiting.splice(0)) finish(response);
    } else {
      for (let round = 0; open > 0 && round < 100; round++) await new Promise((resolve) => setTimeout(resolve, 20));
      process.send({ mostSockets, socketsLeft: open });
    }
  });
  process.on("disconnect", () => process.exit());
}
