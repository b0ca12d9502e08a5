/** The thread that checks by schemas, see `schemaThread`. It answers one question after the other. */
import { parentPort } from "node:worker_threads";
import type { JsonSchema } from "../messages.js";
import { argumentProblem } from "./argument-check.js";
import { readStructured, type StructuredAnswer, schemaProblem } from "./structured-output.js";

/** A question about a caller's schema. The answer is a StructuredAnswer. */
export interface AnswerQuestion {
  /** The schema as JSON. */
  schema: string;
  /** The answer that is to be read. Absent if only the schema is to be checked. */
  text?: string;
}

/** A question about a server's schema. The answer is the result of `argumentProblem`. */
export interface ArgumentQuestion {
  /** The schema as JSON. */
  schema: string;
  /** The value as JSON. */
  value: string;
}

/**
 * The schemas of the last questions, by their JSON. For the same object, the checks remember the compiled schema, and that a check by it took
 * too long.
 */
const known = new Map<string, JsonSchema>();
const mostKnown = 100;

function schemaOf(text: string): JsonSchema {
  const schema = known.get(text) ?? (JSON.parse(text) as JsonSchema);
  known.delete(text);
  known.set(text, schema);
  for (const oldest of known.keys()) {
    if (known.size <= mostKnown) break;
    known.delete(oldest);
  }
  return schema;
}

function answerTo(question: AnswerQuestion | ArgumentQuestion): StructuredAnswer | string | undefined {
  const schema = schemaOf(question.schema);
  if ("value" in question) return argumentProblem(JSON.parse(question.value), schema, question.value.length);
  const { text } = question;
  if (text !== undefined) return readStructured(text, schema);
  const problem = schemaProblem(schema);
  return problem === undefined ? { value: undefined } : { problem };
}

parentPort?.on("message", (question: AnswerQuestion | ArgumentQuestion) => parentPort?.postMessage(answerTo(question)));
