import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";

const chunksPerSecond = 50;
const rampMs = 2000;
const windowMs = 4000;
/** Chunks in each stream: enough that no stream ends within the measured window. */
const chunks = ((rampMs + windowMs) * chunksPerSecond) / 1000 + 100;

/**
 * Reads many streams at once, each with a chunk every 20 ms, and measures for some seconds after all have started. A chunk contains the
 * time at which the model wrote it; its delay is the time until it arrives here. `inTime` is the share of the written chunks that have
 * arrived. The streams are not closed, so the process has to end afterwards.
 */
export async function paced(contestant, { streams }) {
  await contestant.stream("[[burst-100]]", () => {});
  globalThis.gc();
  const rssBefore = process.memoryUsage.rss();
  let delays;
  const onText = (text) => {
    if (!delays) return;
    const [seconds, nanoseconds] = process.hrtime();
    const now = seconds * 1e6 + nanoseconds / 1000;
    for (const written of text.trimEnd().split(" ")) delays.push(now - Number(written));
  };
  for (let stream = 0; stream < streams; stream++) contestant.stream(`[[paced-${chunks}]]`, onText).catch(() => {});
  await sleep(rampMs);
  const written = async () => Number(await contestant.complete("[[written]]"));
  // Not awaited: a saturated contestant gets this answer only when all streams have ended.
  const writtenBefore = written();
  const loop = monitorEventLoopDelay({ resolution: 1 });
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  delays = [];
  loop.enable();
  await sleep(windowMs);
  loop.disable();
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const rssPerStream = (process.memoryUsage.rss() - rssBefore) / 1024 / streams;
  const arrived = delays;
  delays = undefined;
  const due = (await written()) - (await writtenBefore);
  const sorted = Float64Array.from(arrived).sort();
  const delayMs = (share) => sorted[Math.floor(share * (sorted.length - 1))] / 1000;
  return {
    cpu: (user + system) / sorted.length,
    coreShare: (user + system) / 1e6 / seconds,
    p50Ms: delayMs(0.5),
    p99Ms: delayMs(0.99),
    inTime: Math.min(1, arrived.length / due),
    longestBlockMs: loop.max / 1e6,
    rssPerStreamKb: rssPerStream,
  };
}
