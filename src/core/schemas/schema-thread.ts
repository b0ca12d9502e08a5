import { WorkerThread } from "../async/worker-thread.js";
import { builtFile } from "../built-file.js";

/** Returns a thread that checks by schemas. Its questions and answers are those of `schema-worker.ts`. */
export function schemaThread<Question, Answer>(): WorkerThread<Question, Answer> {
  return new WorkerThread(builtFile("core/schemas/schema-worker.js"));
}
