import { onAbort } from "./abort.js";

/** The longest timer that Node supports: 24.8 days, in ms. A longer one would fire at once. */
export const longestTimerMs = 2 ** 31 - 1;

/** Calls the action after this time, in ms, unless the signal aborts before. */
export function after(ms: number, action: () => void, ended: AbortSignal): void {
  if (ended.aborted) return;
  const timer = setTimeout(action, Math.min(ms, longestTimerMs));
  onAbort(ended, () => clearTimeout(timer));
}
