import { type Context, createContext, Script } from "node:vm";

const script = new Script("work()");
let context: Context | undefined;

/**
 * Maximum number of tries. A try is repeated if it ran out of time because other processes used the processor. Each try may take four times
 * as long as the previous try. All tries block the event loop.
 */
const maxTries = 3;

/**
 * Runs synchronous work and returns its result. Returns undefined if the work needs more than the given processor time. Node can only limit
 * elapsed time. On a busy machine, work may reach that limit after little processor time; such work is run again with a longer limit.
 * Rethrows errors of the work.
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
