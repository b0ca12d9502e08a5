import { ScriptError } from "../../core/errors.js";
import { readStructured } from "../../core/schemas/structured-output.js";
import type { StepOf } from "../shared/script.js";
import { stepFailureOf } from "../shared/step-result.js";
import { renderText } from "../shared/templates.js";
import type { Performed, StepContext } from "./performed.js";
import { performTurn } from "./turn.js";

/** Runs a turn with a user's text. If the answer violates `json_schema`, the step gets a failure that assertions cannot expect. */
export async function performUser(step: StepOf<"user">, context: StepContext): Promise<Performed> {
  const text = renderText(step.text, context.variables, step.position);
  const performed = await performTurn([{ type: "text", text }], context, step.output);
  if (!step.output || performed.failure) return performed;
  const { outcome } = performed;
  const read = readStructured(outcome.output, step.output.jsonSchema);
  if ("value" in read) return { outcome: { ...outcome, json: read.value } };
  // The turn itself does not check answers that were cut or filtered, so an invalid answer may arrive here.
  const failure = stepFailureOf(new ScriptError("output", `the answer does not fit its json_schema: ${read.problem}`));
  return { outcome, failure };
}
