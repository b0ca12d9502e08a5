/**
 * Records the sessions in scripts/sessions again (except those in doors/), or only the files that are named. Needs a build.
 * `node scripts/record-sessions.mjs [FILE…]`. Starts the HTTP servers that two sessions use. Exits with the code of `mcp-platform run`.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const remote = { streamableHttp: 43101, sse: 43102 };
const startupMs = 20_000;

const home = mkdtempSync(join(tmpdir(), "mcp-platform-"));
const given = process.argv.slice(2);
const files = given.length > 0 ? given : ["scripts/sessions/*.session.yaml"];
const servers = Object.entries(remote).map(([transport, port]) =>
  spawn(process.execPath, ["node_modules/@modelcontextprotocol/server-everything/dist/index.js", transport], {
    env: { PATH: process.env.PATH, PORT: String(port) },
    stdio: "ignore",
  }),
);
try {
  await Promise.all(Object.values(remote).map((port) => listening(port, Date.now() + startupMs)));
  const env = { PATH: process.env.PATH, HOME: home, SESSIONS_MEMORY_FILE: join(home, "memory.jsonl") };
  const { status } = spawnSync(process.execPath, ["dist/main.js", "run", ...files, "--record", "--jobs", "1"], {
    env,
    stdio: "inherit",
  });
  process.exitCode = status ?? 1;
} finally {
  for (const server of servers) server.kill();
  rmSync(home, { recursive: true, force: true });
}

async function listening(port, untilMs) {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
  } catch (error) {
    if (Date.now() > untilMs) throw error;
    await pause(50);
    await listening(port, untilMs);
  } finally {
    socket.destroy();
  }
}
