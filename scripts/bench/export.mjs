/**
 * Measures exports of one conversation of 100, 1,000 and 10,000 turns of 6 KB, each to a file and in a process of its own: the time, the
 * highest memory of the process above what it had before the export, and the longest stall of the event loop: on the clock, which other
 * processes lengthen, and in processor time.
 *
 *   npm run build && node scripts/bench/export.mjs [--sizes 100,1000,10000]
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { writeWhole } from "../../dist/core/files/whole-file.js";
import { openStore } from "../../dist/log/open.js";
import { exportConversation } from "../../dist/session/export/export.js";
import { exportFormats } from "../../dist/session/export/formats.js";
import { appendTurns } from "./long-log.mjs";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { sizes: { type: "string", default: "100,1000,10000" } },
});
const open = (path) => openStore({ driver: "sqlite", path }, { now: Date.now, observe: () => {} });
if (positionals.length > 0) await exported(...positionals);
else for (const turns of flags.sizes.split(",").map(Number)) await measured(turns);

async function measured(turns) {
  const folder = mkdtempSync(join(tmpdir(), "export-"));
  const path = join(folder, "log.db");
  try {
    const store = await open(path);
    await appendTurns(store, "c", turns);
    await store.close();
    for (const format of exportFormats) {
      const file = join(folder, `c.${format}`);
      const script = fileURLToPath(import.meta.url);
      const { stdout } = await promisify(execFile)(process.execPath, [script, path, format, file]);
      const size = `${(statSync(file).size / 1e6).toFixed(1)} MB`;
      process.stdout.write(`${String(turns).padStart(6)} turns as ${format.padEnd(5)} ${size.padStart(9)}: ${stdout}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function exported(path, format, file) {
  const store = await open(path);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const before = process.memoryUsage.rss();
  let most = before;
  let stallMs = 0;
  let lastMs = processorMs();
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
    stallMs = Math.max(stallMs, processorMs() - lastMs);
    lastMs = processorMs();
  }, 1);
  delay.enable();
  const startedAt = performance.now();
  await writeWhole(file, exportConversation(store, "c", { format, secrets: [] }));
  const tookMs = performance.now() - startedAt;
  await new Promise((resolve) => setTimeout(resolve, 20)); // so that the monitor sees a stall at the end
  clearInterval(timer);
  await store.close();
  const memory = `${((most - before) / 1e6).toFixed(0)} MB`;
  const stall = `${(delay.max / 1e6).toFixed(0)} ms, ${stallMs.toFixed(0)} ms of processor time`;
  process.stdout.write(`${tookMs.toFixed(0)} ms, ${memory}, longest stall ${stall}\n`);
}

function processorMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
