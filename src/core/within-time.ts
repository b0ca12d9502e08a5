import { type Context, createContext, Script } from "node:vm";

const script = new Script("work()");
let context: Context | undefined;

/** Runs synchronous work with a time limit, and returns its result; undefined on a timeout. Rethrows errors of the work. */
export function withinTime<T>(timeoutMs: number, work: () => T): { result: T } | undefined {
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
