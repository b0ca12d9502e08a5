import { type Context, createContext, Script } from "node:vm";

const script = new Script("work()");
let context: Context | undefined;

/** Number of tries for work that gets too little of the processor, each with four times the time. They hold up the event loop. */
const maxTries = 3;

/**
 * Runs synchronous work, and returns its result; undefined if it needs more than the given time on the processor. On a busy machine the
 * clock says little about that, so work that was stopped by the clock begins again with more time. Rethrows errors of the work.
 */
export function withinTime<T>(timeoutMs: number, work: () => T): { result: T } | undefined {
  for (let tries = 1, clockMs = timeoutMs; ; tries += 1, clockMs *= 4) {
    const before = process.cpuUsage();
    const done = withinClockTime(clockMs, work);
    if (done || tries === maxTries || cpuMsSince(before) >= timeoutMs / 2) return done;
  }
}

function withinClockTime<T>(timeoutMs: number, work: () => T): { result: T } | undefined {
  context ??= createContext({});
  context.work = work;
  try {
    return { result: script.runInContext(context, { timeout: timeoutMs }) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") return undefined;
    throw error;
  } finally {
    context.work = undefined;
  }
}

function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
