/**
 * Milliseconds that this process has had of processors so far. What work costs is measured by it, where what runs beside the tests
 * would count in the time of the clock.
 */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * What the work costs, in milliseconds as `processorMs` counts them: the least of three times, since a collection of all that a test process
 * has by then, some gigabytes, takes seconds and falls into one of them.
 */
export function costMs(work: () => void): number {
  const costs = [1, 2, 3].map(() => {
    const startedAt = processorMs();
    work();
    return processorMs() - startedAt;
  });
  return Math.min(...costs);
}

/** How long the event loop is held up by the work of this process, until it is disposed of. */
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
