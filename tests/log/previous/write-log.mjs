// Writes log.jsonl, the event log of a release, with one table row a line. Run it with a built checkout of that release:
//   node --import ./scripts/ts-node.mjs tests/log/previous/write-log.mjs CHECKOUT
// The present log is of the last release without wires: reasoning is in `reasoningDetails`, the signature of a call in its `opaque`.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const [checkout = "", folder] = process.argv.slice(2);

/** Answers each turn with two concurrent calls, then one call, then a text. The last turn is killed before its second answer. */
function answered({ body }, { chunk, stream, answer }, count) {
  const { messages } = body;
  const asked = String(messages.findLast(({ role }) => role === "user").content);
  const results = messages.length - 1 - messages.findLastIndex(({ role }) => role !== "tool");
  if (asked.includes("<conversation>")) return answer("A summary of what was said.");
  if (asked.includes("open") && results > 0) process.kill(process.pid, "SIGKILL");
  const block = { type: "reasoning.text", text: `thought ${count}`, signature: `signature ${count}`, index: 0 };
  const size = asked.includes("large") ? 1200 : 300;
  const call = (index) => ({
    index,
    id: `call_${count}_${index}`,
    type: "function",
    function: { name: "s__big", arguments: JSON.stringify({ bytes: size + index }) },
    extra_content: { google: { thought_signature: `call signature ${count}.${index}` } },
  });
  const calls = results === 0 ? [call(0), call(1)] : results === 2 ? [call(0)] : [];
  return stream([
    chunk({ role: "assistant", content: "" }),
    chunk({ reasoning_details: [block] }),
    chunk({ content: calls.length > 0 ? "Let me see." : `The end of ${asked.slice(-9)}` }),
    ...(calls.length > 0 ? [chunk({ tool_calls: calls })] : []),
    chunk({}, calls.length > 0 ? "tool_calls" : "stop"),
    { choices: [], usage: { prompt_tokens: 100, completion_tokens: 10, prompt_tokens_details: { cached_tokens: 40 } } },
    "data: [DONE]\n\n",
  ]);
}

async function writeLog() {
  const { createApp } = await import(resolve(checkout, "dist/index.js"));
  const llmServer = await import(resolve(checkout, "tests/support/llm-server.ts"));
  let count = 0;
  const llm = await llmServer.startLlmServer((request) => answered(request, llmServer, ++count));
  const tools = [{ name: "big", description: "big it", inputSchema: { type: "object" } }];
  const behaviour = JSON.stringify({ instructions: "Ask for big things.", pages: [tools] });
  const args = [resolve(checkout, "tests/support/mcp-server.mjs"), behaviour];
  const app = await createApp({
    env: { HOME: folder },
    observe: () => {},
    config: {
      llm: { active: "test", providers: { test: { base_url: llm.url, model: "m1", api_key: "sk-test-0123456789" } } },
      mcpServers: { s: { command: process.execPath, args } },
      chat: { storage: { path: join(folder, "log.db") }, service: { approval: "auto", result_limit_tokens: 256 } },
    },
  });
  await app.ready();
  const ask = async (conversation, text) => {
    const session = app.sessions.open(conversation);
    for await (const _ of session.prompt({ requestId: text, text, streaming: true }));
  };
  await ask("loop", "one");
  await app.sessions.conversations.fork("loop", { to: "copy" });
  await ask("loop", "two, large");
  for (const text of ["one", "two"]) await ask("rewound", text);
  await app.sessions.conversations.rewind("rewound", { turns: 1 });
  for (const text of ["one", "two"]) await ask("summed", text);
  app.sessions.open("summed").compactNext();
  await ask("summed", "three");
  await ask("open", "one, left open");
}

async function dump() {
  const { connect } = await import(resolve(checkout, "dist/log/sqlite/connection.js"));
  const db = await connect(join(made, "log.db"));
  const rows = (sql) => db.prepare(sql).all();
  const tables = {
    events: rows(
      "SELECT conversation_id, seq, turn_id, type, request_id, payload, at, position FROM events ORDER BY id",
    ),
    turns: rows(
      "SELECT conversation_id, turn_id, request_id, state, place, node_id, fence, crashes, options FROM turns",
    ),
    results: rows("SELECT * FROM results"),
  };
  const lines = Object.entries(tables).flatMap(([table, all]) => all.map((row) => JSON.stringify([table, row])));
  writeFileSync(resolve(import.meta.dirname, "log.jsonl"), `${lines.join("\n")}\n`);
}

let made = "";
if (folder) await writeLog();
else {
  made = mkdtempSync(join(tmpdir(), "previous-"));
  spawnSync(process.execPath, [...process.execArgv, import.meta.filename, checkout, made], { stdio: "inherit" });
  await dump();
  rmSync(made, { recursive: true });
}
