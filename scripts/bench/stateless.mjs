/**
 * Measures how much is stored for a chat whose client sends the whole history with every call, as most clients of OpenAI's and Anthropic's
 * APIs do. Prints the bytes of the log beyond those of an empty one, and their ratio to what the user and the model have said. Each message
 * has 1,000 bytes. `responses, chained` sends only the new message and `previous_response_id`.
 *
 *   npm run build && node scripts/bench/stateless.mjs [--turns 10,50,100,200] [--system 0] [--postgres] [--tables] [--dist dist]
 *
 * `--system` sends a system prompt of so many bytes with each call; it does not count as said. `--tables` also prints the bytes of each table and index for a turn of the longest chat. `--postgres` starts a server from npm. The tables of DBOS, which keep one row for each turn in the queue, are counted separately.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const { values: flags } = parseArgs({
  options: {
    turns: { type: "string", default: "10,50,100,200" },
    postgres: { type: "boolean" },
    tables: { type: "boolean" },
    system: { type: "string" },
    dist: { type: "string", default: "dist" },
  },
});
const messageBytes = 1_000;
const docs = fileURLToPath(new URL("../../docs/", import.meta.url));
const words = readdirSync(docs)
  .filter((name) => name.endsWith(".md"))
  .flatMap((name) => readFileSync(join(docs, name), "utf8").match(/[A-Za-z]+/g) ?? []);
const system = flags.system ? text("You are a helpful assistant.", Number(flags.system)) : undefined;
const counts = flags.turns.split(",").map(Number);
/** Bytes of each table and index of the last chat that was measured, without those of an empty log. */
let tables = [];
const server = flags.postgres ? await startServer() : undefined;
const provider = createServer(answer);
await once(provider.listen(0, "127.0.0.1"), "listening");

const apis = {
  "/v1/chat/completions": { path: "/chat/completions", ask: chatCall },
  "/v1/messages": { path: "/messages", ask: messagesCall },
  "/v1/responses": { path: "/responses", ask: responsesCall },
  "responses, chained": { path: "/responses", ask: chainedCall },
};
print(["API", ...counts.map((count) => `${count} turns`)]);
for (const [name, api] of Object.entries(apis)) {
  const cells = [];
  for (const count of counts) cells.push(await measured(api, count));
  print([name, ...cells]);
  if (flags.tables) printTables(counts.at(-1));
}
provider.close();
await server?.[Symbol.asyncDispose]();

async function measured({ path, ask }, turns) {
  const folder = mkdtempSync(join(tmpdir(), "stateless-"));
  const storage = server ? { url: await server.database() } : { path: join(folder, "log.db") };
  const before = await inHost(folder, storage, async () => {});
  const after = await inHost(folder, storage, async (url) => {
    const messages = [];
    let previous;
    for (let turn = 0; turn < turns; turn++) {
      messages.push({ role: "user", content: text(`question ${turn}`) });
      const response = await fetch(`${url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(ask(messages, previous)),
      });
      const body = await response.json();
      if (!response.ok) throw new Error(JSON.stringify(body));
      previous = body.id;
      messages.push(answerIn(body));
    }
  });
  rmSync(folder, { recursive: true });
  const empty = new Map(before.tables);
  tables = after.tables.map(([table, bytes]) => [table, bytes - (empty.get(table) ?? 0)]);
  const said = 2 * turns * messageBytes;
  const size = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`;
  const queue = after.queue === undefined ? "" : ` + ${size(after.queue - before.queue)}`;
  return `${size(after.log - before.log)}${queue} (${((after.log - before.log) / said).toFixed(2)}x)`;
}

/** Runs `work` with a host on this log, stops the host, and returns the size of the log in bytes. */
async function inHost(folder, storage, work) {
  const config = {
    llm: {
      active: "test",
      providers: {
        test: { base_url: `http://127.0.0.1:${provider.address().port}/v1`, model: "m1", context_window: 2_000_000 },
      },
    },
    serve: { port: 0, requests_per_minute: 1_000_000 },
    chat: { storage },
  };
  const file = join(folder, "config.yaml");
  writeFileSync(file, JSON.stringify(config));
  const env = { PATH: process.env.PATH, HOME: folder };
  const program = resolve(flags.dist, "main.js");
  const child = spawn(process.execPath, [program, "--config", file, "serve", "--no-token"], { env, cwd: folder });
  let said = "";
  while (!said.includes("listening on")) said += (await once(child.stderr, "data"))[0];
  child.stderr.resume();
  await work(`${/listening on (\S+)/.exec(said)[1]}/v1`);
  child.kill("SIGINT");
  await once(child, "exit");
  return storage.url ? postgresSize(storage.url) : fileSize(storage.path);
}

/** Returns the size of the file without its free pages. */
async function fileSize(path) {
  const { connect } = await import(pathToFileURL(resolve(flags.dist, "log/sqlite/connection.js")).href);
  const db = await connect(path);
  const pragma = (name) => Object.values(db.prepare(`PRAGMA ${name}`).get())[0];
  const log = (pragma("page_count") - pragma("freelist_count")) * pragma("page_size");
  const rows = db.prepare("SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name").all();
  db.close();
  return { log, tables: rows.map(({ name, bytes }) => [name, bytes]) };
}

/** Returns the sizes after VACUUM FULL, because old versions of rows stay in a table until PostgreSQL reuses their room. */
async function postgresSize(url) {
  const { default: pg } = await import("pg");
  const client = new pg.Client(url);
  await client.connect();
  await client.query("VACUUM FULL");
  const { rows } = await client.query(
    `SELECT coalesce(sum(pg_total_relation_size(oid)) FILTER (WHERE relnamespace::regnamespace::text NOT LIKE 'dbos%'), 0) AS log,
       coalesce(sum(pg_total_relation_size(oid)) FILTER (WHERE relnamespace::regnamespace::text LIKE 'dbos%'), 0) AS queue
     FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'pg_toast')`,
  );
  const parts = await client.query(
    `SELECT relname AS name, pg_relation_size(oid) AS bytes FROM pg_class
     WHERE relkind IN ('r', 'i', 't') AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')`,
  );
  await client.end();
  const tables = parts.rows.map(({ name, bytes }) => [name, Number(bytes)]);
  return { log: Number(rows[0].log), queue: Number(rows[0].queue), tables };
}

function chatCall(messages) {
  return {
    model: "mcp-platform",
    messages: [...(system ? [{ role: "system", content: system }] : []), ...messages],
  };
}

function messagesCall(messages) {
  return { model: "mcp-platform", max_tokens: 1_000, messages, ...(system && { system }) };
}

function responsesCall(messages) {
  return { model: "mcp-platform", input: messages, ...(system && { instructions: system }) };
}

function chainedCall(messages, previous) {
  return {
    model: "mcp-platform",
    input: messages.slice(-1),
    ...(system && { instructions: system }),
    ...(previous && { previous_response_id: previous }),
  };
}

/** Returns the answer as the client sends it back in its next call. */
function answerIn(body) {
  if (body.choices) return body.choices[0].message;
  if (body.output) return body.output[0];
  return { role: "assistant", content: body.content };
}

/** Returns a message that differs from all others. Its words are English, because the size of the index for searches depends on them. */
function text(head, bytes = messageBytes) {
  let said = head;
  while (said.length < bytes) said += ` ${words[Math.floor(Math.random() * words.length)]}`;
  return said.slice(0, bytes);
}

async function answer(incoming, response) {
  const chunks = await incoming.toArray();
  const { stream } = JSON.parse(Buffer.concat(chunks).toString());
  const content = text("answer");
  const usage = { prompt_tokens: 100, completion_tokens: 100, total_tokens: 200 };
  if (!stream) {
    response.setHeader("content-type", "application/json");
    const choice = { index: 0, message: { role: "assistant", content }, finish_reason: "stop" };
    response.end(JSON.stringify({ id: "c1", object: "chat.completion", model: "m1", choices: [choice], usage }));
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  const choice = { index: 0, delta: { role: "assistant", content }, finish_reason: "stop" };
  response.end(`data: ${JSON.stringify({ id: "c1", model: "m1", choices: [choice], usage })}\n\ndata: [DONE]\n\n`);
}

async function startServer() {
  await import("../ts-node.mjs");
  const { startPostgres } = await import("../../tests/support/postgres.ts");
  return startPostgres();
}

function printTables(turns) {
  const grown = tables.filter(([, bytes]) => bytes > 0).sort(([, one], [, other]) => other - one);
  for (const [table, bytes] of grown) print([`  ${table}`, `${Math.round(bytes / turns)} bytes a turn`]);
}

function print(cells) {
  process.stdout.write(`${cells.map((cell, index) => (index ? cell.padStart(30) : cell.padEnd(40))).join("")}\n`);
}
