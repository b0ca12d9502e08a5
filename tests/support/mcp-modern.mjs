/**
 * A small server of 2026-07-28 only, without an SDK: over stdio, or with `http` over Streamable HTTP, whose port is its first line
 * on stdout. Its first argument is its behaviour, as JSON: record (file), startMs. Tools: echo, ask (needs input), shard (wants a
 * header), bad (declares a header wrongly), grow.
 */
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

const options = JSON.parse(process.argv[2] ?? "{}");
const record = (line) => options.record && appendFileSync(options.record, `${line}\n`);
record(`started ${process.pid}`);
const schema = (properties) => ({ type: "object", properties });
const tools = [
  { name: "echo", inputSchema: schema({}) },
  { name: "ask", inputSchema: schema({}) },
  { name: "shard", inputSchema: schema({ region: { type: "string", "x-mcp-header": "Region" } }) },
  { name: "bad", inputSchema: schema({ size: { type: "number", "x-mcp-header": "Size" } }) },
  { name: "grow", inputSchema: schema({}) },
];
const text = (words) => ({ content: [{ type: "text", text: words }] });
const listeners = new Set();
const fresh = { ttlMs: 0, cacheScope: "private" };

const answers = {
  "server/discover": () => ({
    supportedVersions: ["2026-07-28"],
    capabilities: { tools: { listChanged: true } },
    ...fresh,
    _meta: { "io.modelcontextprotocol/serverInfo": { name: "modern", version: "3.0.0" } },
  }),
  "tools/list": () => ({ tools, ...fresh }),
  "tools/call": ({ name, arguments: args, inputResponses, requestState }, headers) => {
    if (name === "echo") return text(JSON.stringify(args));
    if (name === "shard") return text(JSON.stringify(headers["mcp-param-region"] ?? null));
    if (name === "grow") {
      tools.push({ name: `grown${tools.length}`, inputSchema: schema({}) });
      for (const tell of listeners) tell("notifications/tools/list_changed", {});
      return text("grown");
    }
    if (inputResponses) return text(JSON.stringify({ inputResponses, requestState }));
    const form = { type: "object", properties: { n: { type: "integer" } } };
    return {
      resultType: "input_required",
      inputRequests: {
        q: { method: "elicitation/create", params: { mode: "form", message: "n?", requestedSchema: form } },
      },
      requestState: "opaque=1",
    };
  },
};

/** `send` takes one message; a listen request keeps it. */
function serve({ id, method, params = {} }, send, headers = {}) {
  const version = params._meta?.["io.modelcontextprotocol/protocolVersion"];
  record(`${method} ${params.name ?? ""}`.trim());
  if (id === undefined) return;
  const fail = (code, message, data) => send({ jsonrpc: "2.0", id, error: { code, message, data } });
  if (version !== "2026-07-28")
    return fail(-32022, "unsupported version", { supported: ["2026-07-28"], requested: version });
  if (method === "subscriptions/listen") {
    const _meta = { "io.modelcontextprotocol/subscriptionId": id };
    const tell = (note, more) => send({ jsonrpc: "2.0", method: note, params: { ...more, _meta } });
    listeners.add(tell);
    return tell("notifications/subscriptions/acknowledged", { notifications: params.notifications });
  }
  const answer = answers[method];
  if (!answer) return fail(-32601, `no ${method}`);
  send({ jsonrpc: "2.0", id, result: { resultType: "complete", ...answer(params, headers) } });
}

if (process.argv[3] === "http") {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    if (request.method !== "POST") return response.writeHead(405).end();
    const message = JSON.parse(body);
    if (message.method === "subscriptions/listen") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      return serve(message, (sent) => response.write(`data: ${JSON.stringify(sent)}\n\n`));
    }
    serve(
      message,
      (sent) => {
        response.writeHead(sent.error ? 400 : 200, { "content-type": "application/json" }).end(JSON.stringify(sent));
      },
      request.headers,
    );
  });
  server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
} else {
  await new Promise((resolve) => setTimeout(resolve, options.startMs ?? 0));
  createInterface({ input: process.stdin }).on("line", (line) => {
    serve(JSON.parse(line), (sent) => process.stdout.write(`${JSON.stringify(sent)}\n`));
  });
}
