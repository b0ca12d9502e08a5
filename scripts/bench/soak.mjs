/**
 * Simulates a day of a busy host in a short time: many turns against a model that answers at once, with the log in memory. Each
 * conversation is deleted after some turns. Prints the memory after garbage collection at intervals: it has to stay constant.
 *
 *   npm run build && node --expose-gc scripts/bench/soak.mjs [turns] [turns at once] [driver of the log: memory or sqlite]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { answerOf, startApp } from "./compare/contestants/ours/embed.mjs";
import { serverCommand, startServer } from "./compare/processes.mjs";

const [turns = 200_000, atOnce = 8] = process.argv.slice(2, 4).map(Number);
const driver = process.argv[4] ?? "memory";
const turnsOfConversation = 10;
const reports = 20;

const home = mkdtempSync(join(tmpdir(), "soak-"));
process.once("exit", () => rmSync(home, { recursive: true, force: true }));
const model = await startServer("servers/model.mjs");
const servers = [{ name: "srv", ...serverCommand("servers/mcp-stdio.mjs") }];
const setup = { dist: resolve("dist"), home, baseUrl: `http://127.0.0.1:${model.port}/v1`, servers };
const storage = driver === "sqlite" ? { driver, path: join(home, "log.db") } : { driver };
const app = await startApp(setup, storage);

process.stdout.write("    turns  heap MB  external MB  RSS MB  handles  CPU ms/turn\n");
let done = 0;
for (let report = 1; report <= reports; report++) {
  const before = process.cpuUsage();
  const upTo = Math.round((turns * report) / reports);
  const share = upTo - done;
  await Promise.all(Array.from({ length: atOnce }, () => converseUntil(upTo)));
  await line(process.cpuUsage(before), share);
}
await app.close();
model.stop();

/** Runs one conversation after another until this many turns are done. Some turns call a tool, and some stream. */
async function converseUntil(upTo) {
  while (done < upTo) {
    const session = app.sessions.open();
    for (let turn = 0; turn < turnsOfConversation && done < upTo; turn++) {
      const number = done++;
      const text = number % 10 === 0 ? "[[tools-1x1-echo]]" : "[[plain]]";
      await answerOf(session.prompt({ requestId: `r${number}`, text, streaming: number % 3 === 0 }));
    }
    await app.sessions.delete(session.id);
  }
}

async function line({ user, system }, share) {
  for (let round = 0; round < 3; round++) {
    await sleep(50);
    globalThis.gc();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  const megabytes = [heapUsed, external, rss].map((bytes) => (bytes / 2 ** 20).toFixed(1));
  const handles = process.getActiveResourcesInfo().length;
  const cells = [done, ...megabytes, handles, ((user + system) / 1000 / share).toFixed(2)];
  const widths = [9, 9, 13, 8, 9, 13];
  process.stdout.write(`${cells.map((cell, index) => String(cell).padStart(widths[index])).join("")}\n`);
}
