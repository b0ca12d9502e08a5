import { WorkerThread } from "../async/worker-thread.js";

/** Path of the compiled thread. It is used even if this module runs from source (ts-node, jest). */
const script = import.meta.url.endsWith(".ts") ? "../../../dist/core/schemas/schema-worker.js" : "./schema-worker.js";

/** Returns a thread that checks by schemas. Its questions and answers are those of `schema-worker.ts`. */
export function schemaThread<Question, Answer>(): WorkerThread<Question, Answer> {
  return new WorkerThread(new URL(script, import.meta.url));
}
