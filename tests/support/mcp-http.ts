import { spawn } from "node:child_process";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, createServer as createSocketServer } from "node:net";
import { resolve } from "node:path";

export interface HttpServer extends AsyncDisposable {
  url: string;
  /** Requests in order, as `METHOD rpc-method session`. */
  seen: string[];
  headers: IncomingMessage["headers"][];
  /** Forgets every session, as a restart would. */
  forget(): void;
  /** Breaks all connections, stops listening, and starts again on the same port. */
  crash(): Promise<void>;
}

interface Behaviour {
  /** Status with which every request is refused. */
  status?: number;
  body?: string;
  /** More tools, whose calls are never answered; the function runs at each call. */
  unanswered?: Record<string, () => void>;
  /** More tools, with the error that answers their calls. */
  failing?: Record<string, object>;
  /** More tools, with the result of their calls. */
  answering?: Record<string, (args: Record<string, unknown>) => object>;
  /** The methods of tasks. A further tool, `work`, must then be called as a task. What a method throws is its error, or its HTTP status if it is a number. */
  tasks?: Record<"tools/call" | "tasks/get" | "tasks/result", () => object>;
  /** Status and body with which a request of an unknown session is refused. */
  unknownSession?: [status: number, body: string];
  /** Instructions of the server. */
  instructions?: string;
  /** Returns true while no request is answered. */
  isHung?: () => boolean;
}

/** Starts a small Streamable HTTP server with the tool `echo`. */
export async function httpServer({
  status = 0,
  body = "",
  unanswered = {},
  failing = {},
  answering = {},
  tasks,
  unknownSession = [404, "no such session"],
  instructions,
  isHung = () => false,
}: Behaviour = {}): Promise<HttpServer> {
  const seen: string[] = [];
  const headers: IncomingMessage["headers"][] = [];
  const sessions = new Set<string>();
  let count = 0;
  const results: Record<string, (params: Record<string, unknown>) => unknown> = {
    initialize: ({ protocolVersion }) => ({
      protocolVersion,
      capabilities: { tools: {}, ...(tasks && { tasks: { requests: { tools: { call: {} } } } }) },
      serverInfo: { name: "http", version: "1" },
      instructions,
    }),
    ping: () => ({}),
    "tools/list": () => ({
      tools: [
        ...["echo", ...Object.keys({ ...unanswered, ...failing, ...answering })].map((name) => ({
          name,
          inputSchema: { type: "object" },
        })),
        ...(tasks ? [{ name: "work", inputSchema: { type: "object" }, execution: { taskSupport: "required" } }] : []),
      ],
    }),
    "tools/call": ({ name, arguments: args }) =>
      answering[String(name)]?.(args as Record<string, unknown>) ?? {
        content: [{ type: "text", text: JSON.stringify(args) }],
      },
    ...tasks,
  };
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const message = text ? JSON.parse(text) : {};
    const session = request.headers["mcp-session-id"];
    seen.push(`${request.method} ${message.method ?? "-"} ${session ?? "-"}`);
    headers.push(request.headers);
    if (isHung()) return undefined;
    if (status) return response.writeHead(status).end(body);
    const never = message.method === "tools/call" && unanswered[message.params.name];
    if (never) return never();
    if (request.method === "GET") return response.writeHead(405).end();
    if (message.method === "initialize") sessions.add(`s${++count}`);
    else if (!sessions.has(String(session))) return response.writeHead(unknownSession[0]).end(unknownSession[1]);
    if (request.method === "DELETE") return response.writeHead(200).end();
    if (message.id === undefined) return response.writeHead(202).end();
    let error = message.method === "tools/call" && failing[message.params.name];
    let result: unknown;
    try {
      result = results[message.method]?.(message.params);
    } catch (thrown) {
      if (typeof thrown === "number") return response.writeHead(thrown).end();
      error = thrown as object;
    }
    const answer = result && !error ? { result } : { error: error || { code: -32601, message: "no such method" } };
    response.writeHead(200, { "content-type": "application/json", "mcp-session-id": `s${count}` });
    return response.end(JSON.stringify({ jsonrpc: "2.0", id: message.id, ...answer }));
  });
  server.keepAliveTimeout = 60_000; // on a busy machine Node's 5 s may pass between two requests
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    seen,
    headers,
    forget: () => sessions.clear(),
    async crash() {
      sessions.clear();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      await new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** Starts the official server-everything on a free port. */
export async function everything(kind: "streamableHttp" | "sse"): Promise<AsyncDisposable & { url: string }> {
  const port = await freePort();
  const script = resolve("node_modules/@modelcontextprotocol/server-everything/dist/index.js");
  const child = spawn(process.execPath, [script, kind], {
    env: { ...process.env, PORT: String(port) },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = new Promise((done) => child.once("exit", done));
  await new Promise<void>((done, fail) => {
    child.once("exit", () => fail(new Error("server-everything did not start")));
    child.stderr.on("data", (chunk) => String(chunk).includes(`port ${port}`) && done());
  });
  return {
    url: `http://127.0.0.1:${port}/${kind === "sse" ? "sse" : "mcp"}`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createSocketServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
