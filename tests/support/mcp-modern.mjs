/**
 * A small server of 2026-07-28 only, without an SDK: over stdio, or with `http` over Streamable HTTP; then the first line on stdout is its
 * port. Its first argument is its behaviour, as JSON: record (file), startMs, more (further tools, as listed), instructions, maxWatched
 * (resources). Tools: echo, ask (needs input), shard (wants a header), move (from now on shard wants another header, without a
 * notification), bad (declares a header wrongly), listeners (returns the filters of the streams of changes; only in `more`), grow, hush
 * (ends the streams of changes, then grows), outgrow (from now on the protocol is another one), task. Resources: test:cut, whose first
 * reading breaks off.
 */
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { RpcFailure, startTask, taskAnswers, taskTool } from "./modern-tasks.mjs";

const options = JSON.parse(process.argv[2] ?? "{}");
const record = (line) => options.record && appendFileSync(options.record, `${line}\n`);
record(`started ${process.pid}`);
const schema = (properties) => ({ type: "object", properties });
const shard = { name: "shard", inputSchema: schema({ region: { type: "string", "x-mcp-header": "Region" } }) };
const tools = [
  { name: "echo", inputSchema: schema({}) },
  { name: "ask", inputSchema: schema({}) },
  shard,
  { name: "bad", inputSchema: schema({ size: { type: "number", "x-mcp-header": "Size" } }) },
  ...["grow", "hush", "move", "outgrow"].map((name) => ({ name, inputSchema: schema({}) })),
  taskTool,
  ...(options.more ?? []),
];
const text = (words) => ({ content: [{ type: "text", text: words }] });
const listeners = new Set();
const fresh = { ttlMs: 0, cacheScope: "private" };
let supported = "2026-07-28";
let wasCut = false;

const grow = () => tools.push({ name: `grown${tools.length}`, inputSchema: schema({}) });
const called = {
  echo: (args) => text(JSON.stringify(args)),
  shard(args, { headers }) {
    const name = `mcp-param-${shard.inputSchema.properties.region["x-mcp-header"].toLowerCase()}`;
    const value = headers[name] ?? null;
    if (args.region !== undefined && value === null && name !== "mcp-param-region") {
      throw new RpcFailure(-32020, `no header ${name}`);
    }
    return text(JSON.stringify(value));
  },
  move() {
    shard.inputSchema = schema({ region: { type: "string", "x-mcp-header": "Zone" } });
    return text("moved");
  },
  listeners: () => text(JSON.stringify([...listeners].map(({ filter }) => filter))),
  grow() {
    grow();
    for (const { tell } of listeners) tell("notifications/tools/list_changed", {});
    return text("grown");
  },
  hush() {
    if (listeners.size === 0) return text("nobody listens");
    for (const listener of listeners) listener.end();
    listeners.clear();
    grow();
    return text("hushed");
  },
  outgrow() {
    supported = "2027-01-01";
    return text("outgrown");
  },
  task: (args, { params }) => startTask(args, params),
  ask(_args, { params: { inputResponses, requestState } }) {
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

const answers = {
  "server/discover": () => ({
    supportedVersions: ["2026-07-28"],
    capabilities: {
      tools: { listChanged: true },
      resources: { subscribe: true },
      extensions: { "io.modelcontextprotocol/tasks": {} },
    },
    instructions: options.instructions,
    ...fresh,
    _meta: { "io.modelcontextprotocol/serverInfo": { name: "modern", version: "3.0.0" } },
  }),
  "tools/list": () => ({ tools, ...fresh }),
  "resources/list": () => ({ resources: [{ uri: "test:cut", name: "cut" }], ...fresh }),
  "resources/read": ({ uri }) => ({ contents: [{ uri, text: "whole" }], ...fresh }),
  "tools/call": (params, headers) => called[params.name](params.arguments, { params, headers }),
  ...taskAnswers,
};

/** Serves a message. `send` sends one message; for a listen request it sends more until `end` is called. */
function serve({ id, method, params = {} }, { send, end = () => {}, headers = {} }) {
  const version = params._meta?.["io.modelcontextprotocol/protocolVersion"];
  record(
    [method, params.name ?? params.taskId, params.inputResponses && JSON.stringify(params.inputResponses)]
      .filter(Boolean)
      .join(" "),
  );
  if (method === "notifications/cancelled") {
    for (const listener of listeners) if (listener.id === params.requestId) listeners.delete(listener);
  }
  if (id === undefined) return;
  const fail = (code, message, data) => send({ jsonrpc: "2.0", id, error: { code, message, data } });
  if (version !== supported) return fail(-32022, "unsupported version", { supported: [supported], requested: version });
  if (method === "subscriptions/listen") {
    const Meta = { "io.modelcontextprotocol/subscriptionId": id };
    const tell = (note, more) => send({ jsonrpc: "2.0", method: note, params: { ...more, _meta: Meta } });
    const bye = () => send({ jsonrpc: "2.0", id, result: { resultType: "complete", _meta: Meta } });
    const filter = params.notifications;
    if (filter.resourceSubscriptions?.length > (options.maxWatched ?? 100)) return fail(-32602, "too many resources");
    listeners.add({ id, filter, tell, end: () => [bye(), end()] });
    return tell("notifications/subscriptions/acknowledged", { notifications: params.notifications });
  }
  const answer = answers[method];
  if (!answer) return fail(-32601, `no ${method}`);
  try {
    send({ jsonrpc: "2.0", id, result: { resultType: "complete", ...answer(params, headers) } });
  } catch (error) {
    fail(error.code, error.message);
  }
}

function respond(message, request, response) {
  const events = () => response.writeHead(200, { "content-type": "text/event-stream" });
  if (message.params?.uri === "test:cut" && !wasCut) {
    wasCut = true;
    events().write(": wait\n\n");
    return setImmediate(() => response.destroy());
  }
  if (message.method === "subscriptions/listen") {
    events();
    const send = (sent) => response.write(`data: ${JSON.stringify(sent)}\n\n`);
    return serve(message, { send, end: () => response.end() });
  }
  const name = request.headers["mcp-name"];
  if (name) record(`Mcp-Name ${name}`);
  const send = (sent) => {
    const status = sent.error ? (sent.error.code === -32601 ? 404 : 400) : 200;
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(sent));
  };
  return serve(message, { send, headers: request.headers });
}

if (process.argv[3] === "http") {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    if (request.method !== "POST") return response.writeHead(405).end();
    respond(JSON.parse(body), request, response);
  });
  server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
} else {
  await new Promise((resolve) => setTimeout(resolve, options.startMs ?? 0));
  createInterface({ input: process.stdin }).on("line", (line) => {
    serve(JSON.parse(line), { send: (sent) => process.stdout.write(`${JSON.stringify(sent)}\n`) });
  });
}
