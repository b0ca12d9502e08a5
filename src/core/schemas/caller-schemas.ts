/**
 * Checks by schemas that a caller of the host wrote. A pattern may backtrack for ever, and a large schema takes seconds to compile, so such
 * checks run in a thread of their own. They would otherwise stop all other work of the host.
 */
import { messageOf } from "../errors.js";
import type { JsonSchema } from "../messages.js";
import { isQuickCheck, isQuickSchema, schemaCost, schemaThread } from "./schema-cost.js";
import type { AnswerQuestion } from "./schema-worker.js";
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
  const isQuick = isQuickSchema(cost) && isQuickCheck(cost, text.length);
  return isQuick ? readStructured(text, schema) : ask({ schema: JSON.stringify(schema), text });
}

const thread = schemaThread<AnswerQuestion, StructuredAnswer>();

async function ask(question: AnswerQuestion): Promise<StructuredAnswer> {
  try {
    return await thread.ask(question);
  } catch (error) {
    return { problem: `the value could not be checked by the schema: ${messageOf(error)}` };
  }
}
