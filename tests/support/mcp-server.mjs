/**
 * A small MCP server over stdio, without an SDK. Its first argument is its behaviour, as JSON: startMs, startsWith (a file that it waits
 * for), late (its first list lacks its first tool), silent, greeting (on stderr), exitAtStart {code, stderr}, noise, exitsAtSecondStart,
 * describedByStarts, pages (of tools), failingLists (message), toolsFile (a JSON list of tools), circle, prompts, resources, words (of
 * every resource), refuses (for methods, the error of every answer), instructions, declares, record (file), grandchild (its pid goes to the
 * record), deaf (ignores SIGTERM and the end of its input).
 */
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const options = JSON.parse(process.argv[2] ?? "{}");
const tool = (name) => ({ name, description: `${name} it`, inputSchema: { type: "object" } });
const pages = options.pages ?? [
  options.toolsFile
    ? JSON.parse(readFileSync(options.toolsFile, "utf8"))
    : [
        "echo",
        "hang",
        "wait",
        "drip",
        "crash",
        "big",
        "huge",
        "odd",
        "grow",
        "env",
        "stderr",
        "ask",
        "visit",
        "log",
        "freeze",
        "oddly",
      ].map(tool),
];

const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
const record = (line) => options.record && appendFileSync(options.record, `${line}\n`);
const text = (words) => ({ content: [{ type: "text", text: words }] });
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

if (options.exitAtStart) {
  process.stderr.write(options.exitAtStart.stderr);
  process.exit(options.exitAtStart.code);
}
if (options.greeting) process.stderr.write(options.greeting);
if (options.deaf) {
  process.on("SIGTERM", () => {});
  setInterval(() => {}, 1000);
}
if (options.grandchild) {
  const program = `${options.deaf ? "process.on('SIGTERM', () => {});" : ""} setInterval(() => {}, 1000)`;
  const child = spawn(process.execPath, ["-e", program], { stdio: "inherit" });
  record(`grandchild ${child.pid}`);
}
record(`started ${process.pid}`);
const starts = options.record ? readFileSync(options.record, "utf8").match(/^started /gm).length : 1;
if (options.exitsAtSecondStart && starts === 2) process.exit(4);
if (options.describedByStarts) pages[0] = [{ ...tool("echo"), description: `start ${starts}` }, ...pages[0].slice(1)];

const asked = new Map();

/** Sends a request to the client. Resolves to the whole answer. */
function request(method, params) {
  const id = `s${asked.size + 1}`;
  send({ id, method, params });
  return new Promise((resolve) => asked.set(id, resolve));
}

/** Starts a task that works for `polls` polls and then ends as `end` says. */
function startTask({ polls, end }) {
  const task = { taskId: `t${tasks.size + 1}`, status: "working", polls, end };
  tasks.set(task.taskId, task);
  return { task: describeTask(task) };
}

const describeTask = ({ taskId, status, polls }) => ({
  taskId,
  status,
  statusMessage: `${polls} to go`,
  pollInterval: 1,
  ttl: null,
  createdAt: "2026-01-01T00:00:00Z",
  lastUpdatedAt: "2026-01-01T00:00:00Z",
});

let isFrozen = false;
const tasks = new Map();
let visited = false;
let refusedSubscriptions = 0;
let promptFetches = 0;

const calls = {
  async ask({ method, params }) {
    const { result, error } = await request(method, params);
    return text(JSON.stringify(result ?? { error }));
  },
  visit({ url }) {
    if (visited) return text("welcome");
    visited = true;
    const error = {
      code: -32042,
      message: "log in first",
      data: { elicitations: [{ mode: "url", url, message: "log in" }] },
    };
    throw error;
  },
  report: ({ structured }) => ({ content: [{ type: "text", text: "report" }], structuredContent: structured }),
  meta: (_args, _token, meta) => text(JSON.stringify(meta ?? {})),
  oddly({ says } = {}) {
    if (says) return { ...text(says), isError: true };
    throw Object.assign(new Error("no such table"), { code: "E_SQL" });
  },
  freeze() {
    isFrozen = true;
    return text("from now on silent");
  },
  log({ level, data }) {
    send({ method: "notifications/message", params: { level, data, logger: "db" } });
    return text("logged");
  },
  echo: (args) => text(JSON.stringify(args)),
  async wait({ path }) {
    while (!existsSync(path)) await pause(10);
    return text("waited");
  },
  hang: () => undefined,
  link: ({ uri }) => ({ content: [{ type: "resource_link", uri, name: "linked" }] }),
  async drip({ times, everyMs }, progressToken) {
    for (let progress = 1; progress <= times; progress++) {
      await pause(everyMs);
      send({ method: "notifications/progress", params: { progressToken, progress, total: times } });
    }
    return text("dripped");
  },
  /** Sends the last progress and the answer in one write. */
  burst(_args, progressToken, _meta, id) {
    const progress = { jsonrpc: "2.0", method: "notifications/progress", params: { progressToken, progress: 1 } };
    process.stdout.write(
      `${JSON.stringify(progress)}\n${JSON.stringify({ jsonrpc: "2.0", id, result: text("burst") })}\n`,
    );
  },
  nobody: () => send({ id: null, error: { code: -32700, message: "what was that?" } }),
  deafen() {
    setImmediate(() => process.stdin.pause());
    setInterval(() => {}, 1000);
    return text("from now on deaf");
  },
  /** Sends a question with the id 0, and cancels it once the record says that the question has arrived. */
  async regret({ method, params }) {
    send({ id: 0, method, params });
    while (!readFileSync(options.record, "utf8").includes("arrived")) await pause(10);
    send({ method: "notifications/cancelled", params: { requestId: 0, reason: "never mind" } });
    await new Promise((resolve) => asked.set(0, resolve));
    return text("went on");
  },
  /** Sends a question, and returns a result without an answer once the record says that the question has arrived. */
  async abandon({ method, params }) {
    void request(method, params);
    while (!readFileSync(options.record, "utf8").includes("arrived")) await pause(10);
    return text("went on");
  },
  crash: ({ code }) => process.exit(code ?? 7),
  big: ({ bytes }) => text("x".repeat(bytes)),
  /** Returns numbered lines. */
  lines({ bytes }) {
    let all = "";
    for (let line = 0; all.length < bytes; line++) all += `${line} some text\n`;
    return text(all.slice(0, bytes));
  },
  odd: () => ({
    content: [
      { type: "hologram", data: 1 },
      { type: "text", text: "and text" },
    ],
    structuredContent: [1, 2],
  }),
  snap: () => ({ content: [{ type: "image", data: "aGVsbG8h", mimeType: "image/png" }] }),
  grow() {
    pages[0].push(tool(`grown${pages[0].length}`));
    for (let times = 0; times < 5; times++) send({ method: "notifications/tools/list_changed" });
    return text("grown");
  },
  fidget() {
    send({ method: "notifications/tools/list_changed" });
    return text("nothing has changed");
  },
  /** Says of resources that they have changed, whether the client watches them or not. */
  touch({ uris }) {
    for (const uri of uris) send({ method: "notifications/resources/updated", params: { uri } });
    return text("touched");
  },
  env: () => text(JSON.stringify(process.env)),
  stderr: ({ bytes }) => {
    process.stderr.write("e".repeat(bytes));
    return text("written");
  },
};

let listings = 0;

const answers = {
  ping: () => ({}),
  async initialize({ protocolVersion, capabilities: theirs }) {
    record(`client ${JSON.stringify(theirs)}`);
    await pause(options.startMs ?? 0);
    while (options.startsWith && !existsSync(options.startsWith)) await pause(10);
    const capabilities = options.declares ?? { tools: { listChanged: true }, prompts: {}, resources: {} };
    return {
      protocolVersion,
      capabilities,
      serverInfo: { name: "fixture", version: "0.1.0" },
      instructions: options.instructions,
    };
  },
  "tools/list"({ cursor }) {
    record(`tools/list ${cursor ?? ""}`);
    const page = cursor ? Number(cursor) : 0;
    const isLast = page === pages.length - 1;
    const nextCursor = isLast ? (options.circle ? "1" : undefined) : String(page + 1);
    const tools = options.late && page === 0 && listings++ === 0 ? pages[0].slice(1) : pages[page];
    return { tools, nextCursor };
  },
  /** Returns another text every time. */
  "prompts/get": ({ name, arguments: args }) => {
    record(`prompt ${name}`);
    if (name === "hang") return new Promise(() => {});
    const words = `${name} ${JSON.stringify(args)}, fetch ${++promptFetches}`;
    return { messages: [{ role: "user", content: { type: "text", text: words } }] };
  },
  "prompts/list": () => ({ prompts: options.prompts ?? [] }),
  "resources/list": () => {
    if (options.failingLists) throw new Error(options.failingLists);
    return { resources: options.resources ?? [] };
  },
  "resources/templates/list": () => ({ resourceTemplates: options.templates ?? [] }),
  "resources/read": ({ uri }) => {
    if (uri === "none:it") throw Object.assign(new Error("no such resource"), { code: -32002 });
    return uri === "hang:it" ? new Promise(() => {}) : { contents: [{ uri, text: options.words ?? "words" }] };
  },
  "resources/subscribe"({ uri }) {
    record(`subscribed ${uri}`);
    if (uri === "none:yet" && ++refusedSubscriptions === 1) throw new Error("not there yet");
    setImmediate(() => send({ method: "notifications/resources/updated", params: { uri } }));
    return {};
  },
  "resources/unsubscribe"({ uri }) {
    record(`unsubscribed ${uri}`);
    return {};
  },
  "completion/complete": ({ ref, argument }) => ({
    completion: { values: [`${ref.name ?? ref.uri}:${argument.name}=${argument.value}`, 7] },
  }),
  "tools/call": ({ name, arguments: args, task, _meta }, id) =>
    task ? startTask(args) : (calls[name] ?? (() => text(name)))(args, _meta?.progressToken, _meta, id),
  "tasks/get": ({ taskId }) => {
    const task = tasks.get(taskId);
    record(`polled ${taskId}`);
    if (task.status === "working" && --task.polls <= 0) task.status = task.end;
    return describeTask(task);
  },
  async "tasks/result"({ taskId }) {
    const task = tasks.get(taskId);
    if (task.status !== "input_required") return text(`task ${task.status}`);
    const { result } = await request("elicitation/create", { message: "go on?", requestedSchema: { type: "object" } });
    return text(`task ${result.action}`);
  },
  "tasks/cancel": ({ taskId }) => {
    record(`cancelled ${taskId}`);
    return describeTask(tasks.get(taskId));
  },
};

if (options.noise) process.stdout.write("Welcome to my server!\n\n{not json}\n42\n[]\n");

createInterface({ input: process.stdin }).on("line", async (line) => {
  const message = JSON.parse(line);
  const { id, method, params } = message;
  if (method === "server/discover") {
    record(method);
    if (options.diesOfProbe) process.exit(1);
    if (options.ignoresProbe) return;
  }
  if (isFrozen || (method === "ping" && options.noPing)) return;
  if (method === "ping") record("ping");
  if (method === undefined) return asked.get(id)?.(message);
  if (method === "notifications/cancelled") record(`cancelled ${params.requestId}`);
  if (options.silent || id === undefined) return;
  if (options.refuses?.[method]) return send({ id, error: options.refuses[method] });
  const answer = answers[method];
  if (!answer) return send({ id, error: { code: -32601, message: `no ${method}` } });
  let result;
  try {
    result = await answer(params ?? {}, id);
  } catch (error) {
    return send({ id, error: { code: error.code ?? -32603, message: error.message, data: error.data } });
  }
  if (method === "tools/call" && result === undefined) record(`hanging ${id}`);
  if (result !== undefined) send({ id, result });
});
