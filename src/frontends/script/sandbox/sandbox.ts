import { Worker } from "node:worker_threads";
import { RequestError } from "../../../core/errors.js";
import type { Evaluation, WorkerAnswer, WorkerWord } from "./worker.js";

interface EvaluationLimits {
  timeoutMs: number;
  /** Memory of QuickJS with all its values. At least 17: it starts with 16. */
  memoryMb: number;
}

/**
 * Evaluates untrusted JavaScript: an expression, a function body with `return`, or statements, of which the last gives the result. It sees
 * the values (JSON) as globals and nothing else: no process, modules, network or timers. Promises are awaited. Rejects with a one-sentence
 * RequestError when the code throws, does not compile, exceeds a limit, or returns something that JSON cannot express.
 */
export type Evaluate = (
  code: string,
  values: Readonly<Record<string, unknown>>,
  limits?: Partial<EvaluationLimits>,
) => Promise<unknown>;

const defaults: EvaluationLimits = { timeoutMs: 1000, memoryMb: 64 };
/** Extra time: QuickJS enforces the time limit itself, but not within one long operation. */
const graceMs = 500;
/** Limit for starting the worker and compiling QuickJS on a busy machine. */
const startupMs = 30_000;

/** Path of the compiled worker, also when this module runs from source (ts-node, jest). */
const script = import.meta.url.endsWith(".ts") ? "../../../../dist/frontends/script/sandbox/worker.js" : "./worker.js";

/** One worker per process, reused because starting it takes longer than most evaluations. */
let kept: Worker | undefined;
let last: Promise<unknown> = Promise.resolve();

export const evaluate: Evaluate = async (code, values, limits) => {
  const evaluation = { code, json: JSON.stringify(values), ...defaults, ...limits };
  const turn = last.then(() => answerTo(evaluation));
  last = turn.catch(() => undefined);
  const answer = await turn;
  if ("problem" in answer) throw new RequestError("usage", answer.problem);
  return answer.json === undefined ? undefined : JSON.parse(answer.json);
};

/** A new worker gets nothing of this process's environment and arguments. */
function answerTo(evaluation: Evaluation): Promise<WorkerAnswer> {
  kept ??= new Worker(new URL(script, import.meta.url), { env: {}, argv: [], execArgv: [] })
    .on("error", () => undefined)
    .on("exit", forget);
  kept.postMessage(evaluation);
  return answerOf(kept, evaluation.timeoutMs);
}

function forget(this: Worker): void {
  if (kept === this) kept = undefined;
}

/** Waits for the answer and keeps the process alive meanwhile. Terminates a worker that is late or fails. */
function answerOf(worker: Worker, timeoutMs: number): Promise<WorkerAnswer> {
  return new Promise((resolve) => {
    const inTime = () => {
      clearTimeout(timer);
      clearImmediate(lastLook);
    };
    const settle = (answer: WorkerAnswer) => {
      inTime();
      worker.off("message", hear).off("error", fail).off("exit", end).unref();
      resolve(answer);
    };
    const hear = (word: WorkerWord) => {
      if (word !== "begun") return settle(word);
      inTime();
      timer = within(timeoutMs + graceMs, `the code took longer than ${timeoutMs} ms`);
    };
    const giveUp = (problem: string) => {
      forget.call(worker);
      settle({ problem });
      void worker.terminate();
    };
    const fail = (error: Error) => giveUp(`the sandbox failed: ${error.message}`);
    const end = () => giveUp("the sandbox ended");
    let lastLook: NodeJS.Immediate | undefined;
    // If this thread was busy, the message may already be queued, so look once more.
    const within = (ms: number, lateness: string) =>
      setTimeout(() => {
        lastLook = setImmediate(giveUp, lateness);
      }, ms);
    let timer = within(startupMs, `the sandbox for JavaScript was not there within ${startupMs} ms`);
    worker.on("message", hear).on("error", fail).on("exit", end).ref();
  });
}
