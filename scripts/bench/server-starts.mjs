/**
 * Measures the time from the start of the command line to the first token, with 1, 10, 50 and 100 stdio servers: servers that are known
 * from an earlier run, and servers that are not. Prints medians, and how many tools the first request had.
 *
 *   npm run build && node scripts/bench/server-starts.mjs [rounds]
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const counts = [1, 10, 50, 100];
const rounds = Number(process.argv[2] ?? 3);
const main = resolve("dist/main.js");
const server = resolve("scripts/bench/compare/servers/mcp-sdk.mjs");

let toolsSent = 0;
const model = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    toolsSent = JSON.parse(Buffer.concat(parts).toString()).tools?.length ?? 0;
    response.writeHead(200, { "content-type": "text/event-stream" });
    const chunk = (delta, more) => `data: ${JSON.stringify({ choices: [{ index: 0, delta, ...more }] })}\n\n`;
    response.end(
      `${chunk({ role: "assistant", content: "Hello" })}${chunk({}, { finish_reason: "stop" })}data: [DONE]\n\n`,
    );
  });
});
await new Promise((listening) => model.listen(0, "127.0.0.1", listening));

for (const count of counts) {
  const known = [];
  const unknown = [];
  let fewest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const home = mkdtempSync(join(tmpdir(), "server-starts-"));
    writeConfig(home, count);
    unknown.push(await firstToken(home));
    fewest = Math.min(fewest, toolsSent);
    await learn(home);
    known.push(await firstToken(home));
    fewest = Math.min(fewest, toolsSent);
    rmSync(home, { recursive: true, force: true });
  }
  const text = (times) => `${(median(times) / 1000).toFixed(2).padStart(6)} s`;
  process.stdout.write(
    `${String(count).padStart(3)} servers: known ${text(known)}, unknown ${text(unknown)}; tools in the first request: at least ${fewest}\n`,
  );
}
model.close();

function writeConfig(home, count) {
  mkdirSync(join(home, "config", "mcp-platform"), { recursive: true });
  const provider = {
    base_url: `http://127.0.0.1:${model.address().port}/v1`,
    model: "m",
    api_key: "sk-bench-0123456789",
  };
  const servers = Array.from({ length: count }, (_, index) => [
    `s${index}`,
    { command: process.execPath, args: [server] },
  ]);
  const config = {
    llm: { active: "bench", providers: { bench: provider } },
    chat: { service: { tool_budget_tokens: 1_000_000 } },
    mcpServers: Object.fromEntries(servers),
  };
  writeFileSync(join(home, "config", "mcp-platform", "config.yaml"), JSON.stringify(config));
}

/** Resolves with the time in ms until `run` prints the first piece of the answer. Waits for the end of the process. */
async function firstToken(home) {
  const start = performance.now();
  const child = mcpPlatform(home, "run", "hello");
  const errors = [];
  child.stderr.on("data", (text) => errors.push(text));
  let at;
  child.stdout.on("data", () => {
    at ??= performance.now() - start;
  });
  const [code] = await new Promise((ended) => child.once("close", (...end) => ended(end)));
  if (code !== 0 || at === undefined) throw new Error(`run ended with ${code}: ${Buffer.concat(errors)}`);
  return at;
}

/** Runs a command that waits for all servers, so that they are known afterwards. */
async function learn(home) {
  const child = mcpPlatform(home, "tools");
  child.stdout.resume();
  child.stderr.resume();
  await new Promise((ended) => child.once("close", ended));
}

function mcpPlatform(home, ...args) {
  const folders = { CONFIG: "config", STATE: "state", CACHE: "cache", DATA: "data" };
  const xdg = Object.fromEntries(
    Object.entries(folders).map(([name, folder]) => [`XDG_${name}_HOME`, join(home, folder)]),
  );
  const env = { PATH: process.env.PATH, HOME: home, ...xdg };
  return spawn(process.execPath, [main, ...args], { cwd: home, env, stdio: ["ignore", "pipe", "pipe"] });
}

function median(values) {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];
}
