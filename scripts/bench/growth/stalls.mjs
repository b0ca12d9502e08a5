import { openSync, readSync } from "node:fs";

const lookedEveryMs = 5;

/**
 * Watches the event loop of this process. Returns a function that resolves with its longest stall since the last call, in ms. Time for which
 * the thread was ready but other programs had the processor is not counted, so that a busy machine does not change the figures. Linux only.
 */
export function watchStalls() {
  const statistics = openSync("/proc/self/schedstat", "r"); // https://docs.kernel.org/scheduler/sched-stats.html
  const buffer = Buffer.alloc(100);
  /** Returns the time for which this thread has waited for a processor, in ms. */
  const waitedMs = () =>
    Number(buffer.toString("latin1", 0, readSync(statistics, buffer, 0, 100, 0)).split(" ")[1]) / 1e6;
  let [lookedAt, waited, longestMs] = [performance.now(), waitedMs(), 0];
  const look = () => {
    const [now, waitedNow] = [performance.now(), waitedMs()];
    longestMs = Math.max(longestMs, now - lookedAt - (waitedNow - waited) - lookedEveryMs);
    [lookedAt, waited] = [now, waitedNow];
  };
  setInterval(look, lookedEveryMs).unref();
  return async () => {
    await new Promise((resolve) => setTimeout(resolve, lookedEveryMs)); // a stall is seen in the next round of the event loop
    look();
    const longest = longestMs;
    longestMs = 0;
    return longest;
  };
}
