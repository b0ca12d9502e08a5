/** Tells which checks by a JSON Schema are quick, so that they may run in the main thread. */

import { WorkerThread } from "../async/worker-thread.js";
import { builtFile } from "../built-file.js";
import type { JsonSchema } from "../messages.js";

/** Keywords with which a check may take more time than the size of the schema and the value suggests. */
const endless = /"(pattern|patternProperties|uniqueItems|\$ref|\$dynamicRef|\$recursiveRef)"/;
/** Maximum length of a schema, in characters, times length of a value. Such a check takes some ten milliseconds at most. */
const mostOfCheck = 10_000_000;
/** Maximum length of a schema, in characters, that is compiled at once. Ajv needs up to 30 ms for 1,000 characters of it. */
const mostOfCompiling = 4_000;

/**
 * Returns the length of the schema as JSON, in characters. Returns Infinity if the schema has one of the keywords in `endless`, because a
 * check may then take unforeseeably long.
 */
export function schemaCost(schema: JsonSchema): number {
  const text = JSON.stringify(schema);
  return endless.test(text) ? Number.POSITIVE_INFINITY : text.length;
}

/** Returns true if a value of so many characters as JSON can be checked at once. */
export function isQuickCheck(cost: number, chars: number): boolean {
  return cost * chars < mostOfCheck;
}

/** Returns true if the schema can be compiled at once. */
export function isQuickSchema(cost: number): boolean {
  return cost <= mostOfCompiling;
}

/** Returns a thread that checks by schemas. Its questions and answers are those of `schema-worker.ts`. */
export function schemaThread<Question, Answer>(): WorkerThread<Question, Answer> {
  return new WorkerThread(builtFile("core/schemas/schema-worker.js"));
}
