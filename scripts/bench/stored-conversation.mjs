/**
 * Measures one conversation of 100, 1,000 and 10,000 stored turns: the first turn of a new process, the first turn of another process after it
 * (`again`), and a later turn. The conversation is written by direct inserts, without counters of usage; a turn has ten events of some 600
 * bytes. Prints wall time, processor time and the longest stall of the event loop, in milliseconds. The stall is processor time too, which other
 * programs hardly lengthen.
 *
 *   npm run build && node scripts/bench/stored-conversation.mjs [--turns 100,1000] [--compaction off] [--dist dist]
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs, promisify } from "node:util";
import { answerOf } from "./compare/contestants/ours/embed.mjs";
import { startServer } from "./compare/processes.mjs";

const { values: flags } = parseArgs({
  options: {
    turns: { type: "string", default: "100,1000,10000" },
    compaction: { type: "string", default: "off" },
    dist: { type: "string", default: "dist" },
    measure: { type: "string" },
    model: { type: "string" },
  },
});
const load = (path) => import(pathToFileURL(resolve(flags.dist, path)).href);
const laterTurns = 20;

if (flags.measure) process.stdout.write(JSON.stringify(await measured(flags.measure)));
else await compare();

async function compare() {
  const model = await startServer("servers/model.mjs");
  for (const turns of flags.turns.split(",").map(Number)) {
    const folder = mkdtempSync(join(tmpdir(), "stored-"));
    try {
      const path = join(folder, "log.db");
      await fill(path, turns);
      const process = async () => {
        const own = ["--measure", path, "--model", `http://127.0.0.1:${model.port}/v1`];
        const args = [fileURLToPath(import.meta.url), ...own, "--dist", flags.dist, "--compaction", flags.compaction];
        return JSON.parse(
          (await promisify(execFile)(globalThis.process.execPath, args, { env: { HOME: folder } })).stdout,
        );
      };
      const { first, later, ...views } = await process();
      const { first: again } = await process();
      print(`${turns.toLocaleString("en")} turns`, { "first turn": first, again, "a later turn": later, ...views });
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  model.stop();
}

function print(title, rows) {
  process.stdout.write(`${title.padEnd(24)}      wall processor     stall\n`);
  for (const [name, { wall, cpu, stall, bytes }] of Object.entries(rows)) {
    const cells = [wall, cpu, stall].map((ms) => ms.toFixed(1).padStart(10)).join("");
    process.stdout.write(`  ${name.padEnd(22)}${cells}${bytes ? `   ${(bytes / 1e6).toFixed(2)} MB` : ""}\n`);
  }
}

/** Measures in a process of its own, because the first turn must find nothing in memory. */
async function measured(path) {
  const { createApp } = await load("index.js");
  const provider = { base_url: flags.model, model: "m1", api_key: "sk-bench-0123456789" };
  const config = {
    llm: { active: "bench", providers: { bench: provider } },
    chat: { storage: { driver: "sqlite", path }, service: { compaction: flags.compaction } },
  };
  const app = await createApp({ config, env: { PATH: process.env.PATH, HOME: process.env.HOME }, observe: () => {} });
  await app.ready();
  const warm = app.sessions.open("warm");
  for (let turn = 0; turn < 20; turn++) await answerOf(warm.prompt({ requestId: `${Date.now()} ${turn}`, text: "hi" }));
  const session = app.sessions.open("conv_1");
  let asked = 0;
  const ask = () =>
    answerOf(session.prompt({ requestId: `${process.pid} ${++asked}`, text: "And the weather of today?" }));
  const first = await timed(ask);
  const later = await timed(ask, laterTurns);
  await app.close();
  return { first, later };
}

/** Runs the work several times. Returns wall and processor time of one run, and the longest stall. */
async function timed(work, times = 1) {
  const startedAt = performance.now();
  const startedAtMs = processorMs();
  let stall = 0;
  let lastMs = startedAtMs;
  const look = () => {
    stall = Math.max(stall, processorMs() - lastMs);
    lastMs = processorMs();
  };
  const timer = setInterval(look, 1);
  for (let time = 0; time < times; time++) await work();
  look();
  clearInterval(timer);
  return { wall: (performance.now() - startedAt) / times, cpu: (processorMs() - startedAtMs) / times, stall };
}

function processorMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Writes the conversation `conv_1` into a new log. */
async function fill(path, turns) {
  const { openStore } = await load("log/open.js");
  await (await openStore({ driver: "sqlite", path }, { now: Date.now, observe: () => {} })).close();
  const { connect } = await load("log/sqlite/connection.js");
  const db = await connect(path);
  db.exec("PRAGMA synchronous = OFF; BEGIN");
  db.exec(`INSERT INTO conversations (number, conversation_id, touched, updated_at, title, title_lower, workspace, turns, counted)
    VALUES (1, 'conv_1', 1, 1, 'weather', 'weather', '', ${turns}, ${turns * turnEvents(1).length})`);
  const insert = db.prepare(
    "INSERT INTO entries (id, turn_id, type, request_id, payload, at, position) VALUES (1 << 32 | ?, ?, ?, ?, ?, ?, ?)",
  );
  let seq = 0;
  for (let turn = 1; turn <= turns; turn++) {
    for (const [index, event] of turnEvents(turn).entries()) {
      const { type, requestId = null } = event;
      insert.run(
        ++seq,
        `turn_${turn}`,
        type,
        requestId,
        JSON.stringify({ turnId: `turn_${turn}`, ...event }),
        seq,
        index + 1,
      );
    }
  }
  db.exec("COMMIT");
  db.close();
}

function turnEvents(turn) {
  const text = (about) => `${about} ${"in one of the towns beside the sea, with its tides and its winds, ".repeat(8)}`;
  const content = (value) => [{ type: "text", text: text(value) }];
  const message = (said, toolCalls) => ({ role: "assistant", content: text(said), toolCalls });
  const facts = { provider: "bench", model: "m1", attempts: 1, usage: { inputTokens: 1_000, outputTokens: 100 } };
  const answer = (said, toolCalls = []) => ({
    ...{ type: "assistant_message", message: message(said, toolCalls), finishReason: "stop", ...facts },
    spent: { tokens: 1_100, usd: 0.001 },
  });
  const call = (id) => ({ id, name: "weather__now", arguments: JSON.stringify({ town: text("the town") }) });
  const called = (id) => [
    answer("Let me see", [call(id)]),
    { type: "tool_call", call: call(id) },
    { type: "tool_sent", callId: id },
    { type: "tool_result", callId: id, name: "weather__now", content: content("rain"), isError: false },
  ];
  return [
    { type: "user_message", requestId: `request_${turn}`, content: content(`The weather, number ${turn},`) },
    ...called(`call_${turn}_1`),
    ...called(`call_${turn}_2`).slice(0, 3),
    answer("It rains"),
    { type: "turn_end", stopReason: "end_turn" },
  ];
}
