import { setTimeout as sleep } from "node:timers/promises";

/** Returns a function that runs the task after a delay, one run at a time; requests meanwhile cause one more run. `signal` ends it. */
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
