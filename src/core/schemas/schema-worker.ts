/** The thread of `caller-schemas.ts`. It answers one question after the other. */
import { parentPort } from "node:worker_threads";
import type { JsonSchema } from "../messages.js";
import { readStructured, type StructuredAnswer, schemaProblem } from "./structured-output.js";

export interface SchemaQuestion {
  /** The schema as JSON. */
  schema: string;
  /** The answer that is to be read. Absent if only the schema is to be checked. */
  text?: string;
}

/**
 * The schemas of the last questions, by their JSON. For the same object, `structured-output.ts` remembers the compiled schema, and that a
 * check by it took too long.
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

function answerTo({ schema: json, text }: SchemaQuestion): StructuredAnswer {
  const schema = schemaOf(json);
  if (text !== undefined) return readStructured(text, schema);
  const problem = schemaProblem(schema);
  return problem === undefined ? { value: undefined } : { problem };
}

parentPort?.on("message", (question: SchemaQuestion) => parentPort?.postMessage(answerTo(question)));
