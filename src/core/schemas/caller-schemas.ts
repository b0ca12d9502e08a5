/**
 * Checks by schemas that a caller of the host wrote. A pattern may backtrack for ever, and a large schema takes seconds to compile, so such
 * checks run in a thread of their own. They would otherwise stop all other work of the host.
 */
import { Worker } from "node:worker_threads";
import { messageOf } from "../errors.js";
import type { JsonSchema } from "../messages.js";
import { isQuickCheck, isQuickSchema, schemaCost } from "./schema-cost.js";
import type { SchemaQuestion } from "./schema-worker.js";
import { readStructured, type StructuredAnswer, schemaProblem } from "./structured-output.js";

/** Resolves with the result of `schemaProblem`. */
export async function checkSchema(schema: JsonSchema): Promise<string | undefined> {
  if (isQuickSchema(schemaCost(schema))) return schemaProblem(schema);
  const answer = await ask({ schema: JSON.stringify(schema) });
  return "problem" in answer ? answer.problem : undefined;
}

/** Resolves with the result of `readStructured`. */
export async function checkAnswer(text: string, schema: JsonSchema): Promise<StructuredAnswer> {
  const cost = schemaCost(schema);
  const isQuick = isQuickSchema(cost) && isQuickCheck(cost, () => text.length);
  return isQuick ? readStructured(text, schema) : ask({ schema: JSON.stringify(schema), text });
}

/** Path of the compiled thread. It is used even if this module runs from source (ts-node, jest). */
const script = import.meta.url.endsWith(".ts") ? "../../../dist/core/schemas/schema-worker.js" : "./schema-worker.js";
/** Memory limit of the thread, in MB. If a schema needs more, the thread ends and the check fails. */
const memoryMb = 512;

/** The thread, which the first question starts. It is reused, because its start takes longer than most checks. */
let thread: Worker | undefined;
let last: Promise<unknown> = Promise.resolve();

/** Sends a question to the thread when it has answered all earlier ones. */
function ask(question: SchemaQuestion): Promise<StructuredAnswer> {
  const asking = last.then(() => answerOf(started(), question));
  last = asking;
  return asking;
}

function started(): Worker {
  if (thread) return thread;
  const worker = new Worker(new URL(script, import.meta.url), {
    env: {},
    argv: [],
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
  });
  worker
    .on("error", () => {}) // `answerOf` reports the error to the waiting check
    .on("exit", () => {
      if (thread === worker) thread = undefined;
    });
  thread = worker;
  return worker;
}

/** Resolves with the thread's answer, and keeps the process alive until then. */
function answerOf(worker: Worker, question: SchemaQuestion): Promise<StructuredAnswer> {
  return new Promise((resolve) => {
    const settle = (answer: StructuredAnswer) => {
      worker.off("message", settle).off("error", fail).off("exit", end).unref();
      resolve(answer);
    };
    const fail = (error: unknown) => settle({ problem: `the check by the schema failed: ${messageOf(error)}` });
    const end = () => fail(new Error("its thread has ended"));
    worker.on("message", settle).on("error", fail).on("exit", end).ref();
    worker.postMessage(question);
  });
}
