import type { ErrorObject } from "ajv";
import { describeSchemaError } from "../../core/source/schema-messages.js";
import type { SourceProblem } from "../../core/source/source.js";
import { isSecret } from "../schema/config-schema.js";
import type { Expanded } from "./expand.js";
import { redactUrls } from "./redact-config.js";

/**
 * Converts errors of ajv to messages for users. Returns one message for each value. Skips values with an unresolved placeholder, because
 * they are already reported.
 */
export function schemaProblems(errors: readonly ErrorObject[], { templates, unresolved }: Expanded): SourceProblem[] {
  const problems = new Map<string, SourceProblem>();
  for (const error of errors) {
    const template = templates.get(error.instancePath)?.text;
    const problem = describeSchemaError(error, {
      template,
      isSecret: isSecret(error.instancePath),
      redact: redactUrls,
    });
    // A later error about the same value replaces the earlier one. The enum error comes after the type error and is more helpful.
    if (!unresolved.has(problem.pointer)) problems.set(problem.pointer, problem);
  }
  return [...problems.values()];
}
