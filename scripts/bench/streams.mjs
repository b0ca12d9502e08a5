/**
 * Reads many streams at the same time in one process. Measures the connections that the server counts, of which none may be left at the
 * end, and the memory of each stream, without its prompt, while it is paused in the middle. Prints one JSON object.
 *
 *   npm run build && node scripts/bench/streams.mjs [streams] [max_connections] [prompt bytes]
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

const [role, ...args] = process.argv.slice(2);
if (role === "serve") await serve();
else if (role === "ask") await ask(...args.map(Number));
else await measure(...[role ?? 1000, ...args].map(Number));

async function measure(streams, maxConnections = streams, promptBytes = 1000) {
  const run = (parameters, execArgv = []) => fork(fileURLToPath(import.meta.url), parameters.map(String), { execArgv });
  const server = run(["serve", Math.min(streams, maxConnections)]);
  const [{ port }] = await once(server, "message");
  const client = run(["ask", port, streams, maxConnections, promptBytes], ["--expose-gc"]);
  // Every stream that has a connection is now paused in the middle of its answer.
  await once(server, "message");
  client.send("measure");
  const [memory] = await once(client, "message");
  server.send("go on");
  const [{ answered, seconds }] = await once(client, "message");
  client.send("close");
  await once(client, "exit");
  server.send("report");
  const [sockets] = await once(server, "message");
  server.disconnect();
  process.stdout.write(
    `${JSON.stringify({ streams, maxConnections, promptBytes, answered, seconds, ...memory, ...sockets })}\n`,
  );
}

async function ask(port, streams, max_connections, promptBytes) {
  const [{ LlmClient }, { loadConfig }] = await Promise.all(
    ["llm/client.js", "config/load.js"].map((path) => import(`../../dist/${path}`)),
  );
  const providers = { test: { base_url: `http://127.0.0.1:${port}/v1`, model: "m1" } };
  const http = { max_connections, queue_timeout: 60 };
  const { config } = loadConfig({ llm: { active: "test", providers, http } }, { env: {} });
  const client = new LlmClient(config.llm, { env: {}, observe: () => {} });
  const prompt = (number) => `${number} `.padEnd(promptBytes, "Tell me something about the sea. ");
  const complete = (text) => {
    const messages = [{ role: "user", content: [{ type: "text", text }] }];
    return client.complete({ messages, tools: [] }, { streaming: true, streamRecovery: "restart", onDelta: () => {} });
  };
  const used = async () => {
    for (let round = 0; round < 3; round++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      globalThis.gc();
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
  const answers = prompts.map(complete);
  process.on("message", async (message) => {
    if (message === "measure") {
      process.send({ bytesPerStream: Math.round(((await used()) - before) / streams) });
      const texts = (await Promise.all(answers)).map(({ message }) => message.content);
      const answered = texts.filter((text) => text === "one two three").length;
      process.send({ answered, seconds: Number(((performance.now() - startedAt) / 1000).toFixed(2)) });
    } else {
      await client.close();
      process.disconnect();
    }
  });
}

async function serve() {
  const awaited = Number(args[0]);
  const chunk = (content, finish_reason = null) =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason }] })}\n\n`;
  const finish = (response) => response.end(`${chunk("two ")}${chunk("three", "stop")}data: [DONE]\n\n`);
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
      response.write(chunk("one "));
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
