import { Worker } from "node:worker_threads";
import { builtFile } from "../../core/built-file.js";
import { RequestError } from "../../core/errors.js";
import type { Evaluation, WorkerAnswer, WorkerMessage } from "./worker.js";

interface EvaluationLimits {
  timeoutMs: number;
  /** Memory limit of QuickJS including all its values. The minimum is 17, because QuickJS starts with 16. */
  memoryMb: number;
}

/**
 * Evaluates untrusted JavaScript. The code is an expression, a function body with `return`, or statements. The result is the value of the
 * last statement. The values (JSON) are global variables of the code. The code has no access to the process, modules, the network or
 * timers. Promises are awaited. Rejects with a RequestError if the code throws, does not compile, exceeds a limit, or returns a value that
 * JSON cannot express. The message of the error is one sentence.
 */
export type Evaluate = (
  code: string,
  values: Readonly<Record<string, unknown>>,
  limits?: Partial<EvaluationLimits>,
) => Promise<unknown>;

const defaults: EvaluationLimits = { timeoutMs: 1000, memoryMb: 64 };
/**
 * Time, in ms, after the time limit until the worker is terminated. QuickJS enforces the time limit itself, but cannot interrupt a single
 * long operation.
 */
const graceMs = 500;
/** Time limit, in ms, for starting the worker and compiling QuickJS. It is long enough for a busy machine. */
const startupMs = 30_000;

/** The worker of this process. It is reused, because starting a worker takes longer than most evaluations. */
let kept: Worker | undefined;
/** The last evaluation. Evaluations run one after another. */
let last: Promise<unknown> = Promise.resolve();

export const evaluate: Evaluate = async (code, values, limits) => {
  const evaluation = { code, json: JSON.stringify(values), ...defaults, ...limits };
  const answering = last.then(() => answerTo(evaluation));
  last = answering.catch(() => undefined);
  const answer = await answering;
  if ("problem" in answer) throw new RequestError("usage", answer.problem);
  return answer.json === undefined ? undefined : JSON.parse(answer.json);
};

/** Sends the code to the worker. A new worker gets neither the environment variables nor the arguments of this process. */
function answerTo(evaluation: Evaluation): Promise<WorkerAnswer> {
  kept ??= new Worker(builtFile("scripted/sandbox/worker.js"), { env: {}, argv: [], execArgv: [] })
    .on("error", () => undefined)
    .on("exit", forget);
  kept.postMessage(evaluation);
  return answerOf(kept, evaluation.timeoutMs);
}

function forget(this: Worker): void {
  if (kept === this) kept = undefined;
}

/** Waits for the worker's answer and keeps the process alive meanwhile. Terminates the worker if it is late or fails. */
function answerOf(worker: Worker, timeoutMs: number): Promise<WorkerAnswer> {
  return new Promise((resolve) => {
    const stopTimer = () => {
      clearTimeout(timer);
      clearImmediate(lastCheck);
    };
    const settle = (answer: WorkerAnswer) => {
      stopTimer();
      worker.off("message", onMessage).off("error", onError).off("exit", onExit).unref();
      resolve(answer);
    };
    const onMessage = (message: WorkerMessage) => {
      if (message !== "begun") return settle(message);
      stopTimer();
      timer = startTimer(timeoutMs + graceMs, `the code took longer than ${timeoutMs} ms`);
    };
    const giveUp = (problem: string) => {
      forget.call(worker);
      settle({ problem });
      void worker.terminate();
    };
    const onError = (error: Error) => giveUp(`the sandbox failed: ${error.message}`);
    const onExit = () => giveUp("the sandbox ended");
    let lastCheck: NodeJS.Immediate | undefined;
    // If this thread was busy, the answer may already be in the queue when the timer fires. `setImmediate` lets the answer be received
    // first.
    const startTimer = (ms: number, problem: string) =>
      setTimeout(() => {
        lastCheck = setImmediate(giveUp, problem);
      }, ms);
    let timer = startTimer(startupMs, `the sandbox for JavaScript did not start within ${startupMs} ms`);
    worker.on("message", onMessage).on("error", onError).on("exit", onExit).ref();
  });
}
