/**
 * A server of both eras on the official SDK: over stdio, or with `http` over Streamable HTTP; then the first line on stdout is its port.
 * Its first argument is its behaviour, as JSON: record (file), listTtlMs (with it, the server reports no changes), readTtlMs. Tools: add,
 * ask (needs input), log, wait (until it is cancelled), learn (adds a tool), touch (changes test:note), creep (adds a tool without a
 * notification). Prompts: greet. Resources: test:note.
 */
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { acceptedContent, createMcpHandler, inputRequired, McpServer } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { z } from "zod";

const { record: file, listTtlMs = 0, readTtlMs = 0 } = JSON.parse(process.argv[2] ?? "{}");
const record = (line) => file && appendFileSync(file, `${line}\n`);
const text = (words) => ({ content: [{ type: "text", text: words }] });
const learned = [];
const listChanged = listTtlMs === 0;
let reads = 0;
let notify;

function newServer() {
  const server = new McpServer(
    { name: "official", version: "2.4.0" },
    {
      capabilities: {
        logging: {},
        tools: { listChanged },
        prompts: { listChanged },
        resources: { listChanged, subscribe: true },
      },
      cacheHints: { "tools/list": { ttlMs: listTtlMs } },
    },
  );
  const offer = (name) => server.registerTool(name, {}, () => text(name));
  server.registerTool("add", { inputSchema: z.object({ a: z.number(), b: z.number() }) }, ({ a, b }) =>
    text(`${a + b}`),
  );
  server.registerTool("ask", {}, (ctx) => {
    const schema = z.object({ n: z.number() });
    const answer = acceptedContent(ctx.mcpReq.inputResponses, "n", schema);
    if (answer) return text(`n is ${answer.n}`);
    return inputRequired({ inputRequests: { n: inputRequired.elicit({ message: "n?", requestedSchema: schema }) } });
  });
  server.registerTool("log", {}, async (ctx) => {
    await ctx.mcpReq.log("warning", "low on disk");
    return text("logged");
  });
  server.registerTool("wait", {}, async (ctx) => {
    record("waits");
    await new Promise((resolve) => ctx.mcpReq.signal.addEventListener("abort", resolve, { once: true }));
    record("cancelled");
    return text("late");
  });
  server.registerTool("learn", {}, () => {
    const name = `learned${learned.push("")}`;
    learned.splice(-1, 1, name);
    if (!notify) offer(name);
    notify?.toolsChanged();
    return text("done");
  });
  server.registerTool("creep", {}, () => {
    learned.push("crept");
    return text("done");
  });
  server.registerTool("touch", {}, async () => {
    if (notify) notify.resourceUpdated("test:note");
    else await server.server.sendResourceUpdated({ uri: "test:note" });
    return text("touched");
  });
  for (const name of learned) offer(name);
  server.registerPrompt("greet", { argsSchema: z.object({ who: z.string() }) }, ({ who }) => ({
    messages: [{ role: "user", content: { type: "text", text: `Hello ${who}` } }],
  }));
  server.registerResource("note", "test:note", { cacheHint: { ttlMs: readTtlMs } }, (uri) => {
    reads += 1;
    return { contents: [{ uri: uri.href, text: `read ${reads}` }] };
  });
  return server;
}

if (process.argv[3] === "http") {
  const handler = createMcpHandler(newServer);
  notify = handler.notify;
  const server = createServer(async (request, response) => {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const isPost = request.method === "POST";
    const answer = await handler.fetch(
      new Request(`http://127.0.0.1${request.url}`, {
        method: request.method,
        headers: request.headers,
        signal: gone.signal,
        ...(isPost && { body: Readable.toWeb(request), duplex: "half" }),
      }),
    );
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    if (answer.body)
      Readable.fromWeb(answer.body)
        .on("error", () => {})
        .pipe(response);
    else response.end();
  });
  server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
} else {
  serveStdio(newServer);
}
