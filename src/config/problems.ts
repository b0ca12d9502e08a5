import type { ErrorObject } from "ajv";
import { describeSchemaError } from "../core/schema-words.js";
import type { Problem } from "../core/source.js";
import type { Expanded } from "./expand.js";
import { redactUrls } from "./redact.js";
import { isSecret } from "./schema.js";

/** Translates ajv's errors for users, one per place. Skips places with an unresolved placeholder, which have been reported. */
export function schemaProblems(errors: readonly ErrorObject[], { templates, unresolved }: Expanded): Problem[] {
  const problems = new Map<string, Problem>();
  for (const error of errors) {
    const template = templates.get(error.instancePath)?.text;
    const problem = describeSchemaError(error, {
      template,
      isSecret: isSecret(error.instancePath),
      redact: redactUrls,
    });
    // A value's enum error comes after its type error and says more.
    if (!unresolved.has(problem.pointer)) problems.set(problem.pointer, problem);
  }
  return [...problems.values()];
}
