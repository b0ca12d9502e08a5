/**
 * Returns the processor time of this process so far, in ms. Costs are measured by it, because wall-clock time would also count other
 * programs on the machine.
 */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * Returns the cost of the work in ms of processor time, as the least of three runs. A collection of all memory of a test process, some
 * gigabytes, takes seconds and falls into one of the runs.
 */
export function costMs(work: () => void): number {
  const costs = [1, 2, 3].map(() => {
    const startedAt = processorMs();
    work();
    return processorMs() - startedAt;
  });
  return Math.min(...costs);
}

/** Measures for how long this process blocks the event loop, until it is disposed of. */
export function heldUp(): Disposable & { readonly longestMs: number } {
  let [last, longestMs] = [processorMs(), 0];
  const look = () => {
    const now = processorMs();
    longestMs = Math.max(longestMs, now - last);
    last = now;
  };
  const timer = setInterval(look, 10);
  return {
    get longestMs() {
      look();
      return longestMs;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
