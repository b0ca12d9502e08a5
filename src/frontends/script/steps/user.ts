import type { JsonSchema } from "../../../core/chat.js";
import { ScriptError } from "../../../core/errors.js";
import type { StepOf } from "../script.js";
import { failureOf } from "../step-result.js";
import { readStructured } from "../structured-output.js";
import { renderText } from "../templates.js";
import type { Performed, StepContext } from "./performed.js";
import { performTurn } from "./turn.js";

/** An answer that is not of its `json_schema` is a failure, which no assertion can expect. */
export async function performUser(step: StepOf<"user">, context: StepContext): Promise<Performed> {
  const text = renderText(step.text, context.variables, step.place);
  const content = [{ type: "text" as const, text }];
  if (!step.output) return performTurn(content, context);
  const { jsonSchema } = step.output;
  const system = context.script.system ?? context.host.defaults.systemPrompt;
  const performed = await performTurn(content, context, `${system}\n\n${instruction(jsonSchema)}`.trim());
  if (performed.failure) return performed;
  const { outcome } = performed;
  const read = readStructured(outcome.output, jsonSchema);
  if ("value" in read) return { outcome: { ...outcome, json: read.value } };
  const failure = failureOf(new ScriptError("output", `the answer is not of its json_schema: ${read.problem}`));
  return { outcome, failure };
}

/** What the model is told, after its system prompt. */
function instruction(schema: JsonSchema): string {
  return (
    "Your final answer is read by a program: it has to be one JSON value that is valid against this JSON Schema, " +
    `and nothing else, neither words nor a code fence around it.\n${JSON.stringify(schema)}`
  );
}
