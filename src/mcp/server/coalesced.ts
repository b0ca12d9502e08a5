import { setTimeout as sleep } from "node:timers/promises";

/**
 * Returns a function that schedules a run of the task after a delay. Runs never overlap. Calls during a run lead to one more run after it.
 * No run starts after `signal` aborts.
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
