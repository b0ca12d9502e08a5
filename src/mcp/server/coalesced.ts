import { setTimeout as sleep } from "node:timers/promises";

/**
 * Returns a function that runs the task after a delay. Only one run is active at a time; if the function is called during a run, one more
 * run follows. No run starts after `signal` aborts.
 */
export function coalesced(task: () => Promise<void>, signal: AbortSignal): (delayMs: number) => void {
  let isWanted = false;
  let isBusy = false;
  const work = async (delayMs: number) => {
    while (isWanted) {
      await sleep(delayMs, undefined, { signal });
      isWanted = false;
      await task();
    }
  };
  return (delayMs) => {
    isWanted = true;
    if (isBusy || signal.aborted) return;
    isBusy = true;
    const done = () => {
      isBusy = false;
    };
    work(delayMs).then(done, done);
  };
}
