import type { ErrorObject } from "ajv";
import { describeSchemaError } from "../core/schema-words.js";
import type { Problem } from "../core/source.js";
import type { Expanded } from "./expand.js";
import { redactUrls } from "./redact.js";
import { isSecret } from "./schema.js";

/** ajv's errors in a user's words, one for each place; places whose placeholder is unresolved have theirs already. */
export function schemaProblems(errors: readonly ErrorObject[], { templates, unresolved }: Expanded): Problem[] {
  const problems = new Map<string, Problem>();
  for (const error of errors) {
    const template = templates.get(error.instancePath)?.text;
    const problem = describeSchemaError(error, {
      template,
      isSecret: isSecret(error.instancePath),
      redact: redactUrls,
    });
    // The enum error of a value comes after its type error and says more.
    if (!unresolved.has(problem.pointer)) problems.set(problem.pointer, problem);
  }
  return [...problems.values()];
}
