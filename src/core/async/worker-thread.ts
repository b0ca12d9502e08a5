import { Worker } from "node:worker_threads";

/** Memory limit of a thread, in MB. If work needs more, the thread ends and the work fails. */
const memoryMb = 512;

/**
 * A thread for work whose time nobody can foresee, such as a regular expression that somebody else wrote. In the main thread, such work would
 * stop all other work of the host. The first question starts the thread, which answers one question after the other and stays for later
 * ones, because its start takes longer than most answers. It gets neither the environment variables nor the arguments of this process.
 */
export class WorkerThread<Question, Answer> {
  readonly #script: URL;
  #worker: Worker | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(script: URL) {
    this.#script = script;
  }

  /**
   * Sends a question when the thread has answered all earlier ones. Rejects if the thread fails, for example because it needs too much memory;
   * the next question then starts a new thread.
   */
  ask(question: Question): Promise<Answer> {
    const asking = this.#last.then(() => answerOf<Answer>(this.#started(), question));
    this.#last = asking.catch(() => {});
    return asking;
  }

  #started(): Worker {
    if (this.#worker) return this.#worker;
    const resourceLimits = { maxOldGenerationSizeMb: memoryMb };
    const worker = new Worker(this.#script, { env: {}, argv: [], execArgv: [], resourceLimits });
    const forget = () => {
      if (this.#worker === worker) this.#worker = undefined;
    };
    worker.on("error", forget).on("exit", forget);
    this.#worker = worker;
    return worker;
  }
}

/** Resolves with the thread's answer, and keeps the process alive until then. */
function answerOf<Answer>(worker: Worker, question: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const settle = () => worker.off("message", answered).off("error", failed).off("exit", ended).unref();
    const answered = (answer: Answer) => {
      settle();
      resolve(answer);
    };
    const failed = (error: unknown) => {
      settle();
      reject(error);
    };
    const ended = () => failed(new Error("its thread has ended"));
    worker.on("message", answered).on("error", failed).on("exit", ended).ref();
    worker.postMessage(question);
  });
}
