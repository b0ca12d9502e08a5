import type { ErrorObject } from "ajv";
import { describeSchemaError } from "../../core/source/schema-messages.js";
import type { SourceProblem } from "../../core/source/source.js";
import { isSecret } from "../schema/config-schema.js";
import type { Expanded } from "./expand.js";
import { redactUrls } from "./redact-config.js";

/**
 * Converts errors of ajv to messages for users, one for each value. Skips values with an unresolved placeholder, because they have been
 * reported.
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
    // A later error of the same value replaces the earlier one: the enum error comes after the type error and says more.
    if (!unresolved.has(problem.pointer)) problems.set(problem.pointer, problem);
  }
  return [...problems.values()];
}
