/**
 * Replays one recorded session (three hops, two servers) many times in one process. Each replay has its own host:
 *
 *   npm run build && node scripts/bench/cassette.mjs [REPLAYS] [AT_ONCE]
 *
 * Prints as JSON the time and, with --expose-gc, the memory in use after a garbage collection.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createApp } from "../../dist/host/app.js";
import { openCassette } from "../../dist/scripted/cassette/cassette.js";

const replays = Number(process.argv[2] ?? 200);
const atOnce = Number(process.argv[3] ?? 4);
const home = mkdtempSync(join(tmpdir(), "mcp-platform-bench-"));
const path = join(home, "bench.cassette.jsonl");
const everything = ["node_modules/@modelcontextprotocol/server-everything/dist/index.js", "stdio"];

async function session(mode, command) {
  const { tape, misses, finish } = await openCassette({ path, mode, strict: true });
  const app = await createApp({
    tape,
    env: { HOME: home },
    observe: () => {},
    recover: false,
    config: {
      chat: { storage: { driver: "memory" }, service: { approval: "auto" } },
      mcpServers: { everything: { command, args: everything } },
    },
  });
  await app.ready();
  const text = 'Add 2 and 40 then everything__echo(message="hello")';
  let end;
  for await (const event of app.sessions.open("c").prompt({ requestId: "r", text, streaming: true })) end = event;
  await app.close();
  const problems = [...misses, ...(await finish())];
  if (problems.length > 0 || end?.type !== "turn_end") throw new Error(problems.join("\n") || JSON.stringify(end));
}

await session("record", process.execPath);
await session("replay", "/nowhere/at-all");
const startedAt = performance.now();
let left = replays;
const worker = async () => {
  while (left-- > 0) await session("replay", "/nowhere/at-all");
};
await Promise.all(Array.from({ length: atOnce }, worker));
const seconds = (performance.now() - startedAt) / 1000;
globalThis.gc?.();
const { rss, heapUsed } = process.memoryUsage();
const megabytes = (bytes) => Math.round(bytes / 1024 / 1024);
process.stdout.write(
  `${JSON.stringify({ replays, atOnce, seconds: Number(seconds.toFixed(2)), rssMb: megabytes(rss), heapMb: megabytes(heapUsed) })}\n`,
);
rmSync(home, { recursive: true });
