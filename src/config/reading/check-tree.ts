import type { ErrorObject } from "ajv";
import { isPlainObject, type JsonObject } from "../../core/json.js";
import { addAll } from "../../core/lists/long-lists.js";
import { parseToolPattern } from "../../core/patterns/tool-pattern.js";
import { describeSchemaError } from "../../core/source/schema-messages.js";
import type { SourceProblem } from "../../core/source/source.js";
import { child, valueAt } from "../../core/source/tree.js";
import { isSecret, validate } from "../schema/config-schema.js";
import { providerProblems } from "./check-providers.js";
import type { Expanded } from "./expand.js";
import type { Merged } from "./layers.js";
import { resolvePath, type Surroundings } from "./paths.js";
import { redactUrls } from "./redact-config.js";
import { completeServers, serverProblems } from "./servers.js";

interface TreeCheckParts {
  surroundings: Surroundings;
  /** True if no provider will be asked. Unset variables are then allowed, and providers need no address. */
  allowsUnset: boolean | undefined;
  /**
   * True if settings are left out, or if a script adds settings. Addresses of providers are then not checked: an address may be one of the
   * left out settings, and a replay of a script needs fewer.
   */
  isPartial: boolean;
}

/** Checks the tree. Adds defaults and makes paths absolute; both change the tree in place. Returns the problems. */
export function checkTree(
  expanded: Expanded,
  { origins }: Merged,
  { surroundings, allowsUnset, isPartial }: TreeCheckParts,
): SourceProblem[] {
  const { tree } = expanded;
  const unset = allowsUnset ? [] : expanded.problems;
  const problems = [...unset, ...completeServers(tree, origins, surroundings)];
  addAll(problems, [...schemaProblems(validate(tree), expanded), ...serverProblems(tree), ...patternProblems(tree)]);
  if (!isPartial && !allowsUnset) addAll(problems, providerProblems(tree, expanded.unresolved));
  const storage = valueAt(tree, "/chat/storage");
  if (isPlainObject(storage) && storage.driver === "postgres" && storage.url === undefined) {
    problems.push({
      pointer: "/chat/storage/driver",
      part: "value",
      message: "driver postgres needs chat.storage.url",
    });
  }
  if (isPlainObject(storage) && typeof storage.path === "string") {
    storage.path = resolvePath(storage.path, "/chat/storage/path", origins, surroundings);
  }
  return problems;
}

/** Settings that earlier builds had: the pointer of each, and what to do instead. */
const removedSettings: Record<string, string> = {
  "/serve/advertise": "remove it: live output reaches other hosts through the database",
};

/**
 * Converts errors of ajv to messages for users. Returns one message for each value. Skips values with an unresolved placeholder, because
 * they are already reported.
 */
function schemaProblems(errors: readonly ErrorObject[], { templates, unresolved }: Expanded): SourceProblem[] {
  const problems = new Map<string, SourceProblem>();
  for (const error of errors) {
    const template = templates.get(error.instancePath)?.text;
    const problem = describeSchemaError(error, {
      template,
      isSecret: isSecret(error.instancePath),
      redact: redactUrls,
    });
    const instead = removedSettings[problem.pointer];
    if (instead) problem.message = `there is no such setting any more: ${instead}`;
    // A later error about the same value replaces the earlier one. The enum error comes after the type error and is more helpful.
    if (!unresolved.has(problem.pointer)) problems.set(problem.pointer, problem);
  }
  return [...problems.values()];
}

const patternLists = [
  ...["allow", "ask", "deny"].map((list) => `/chat/service/permissions/${list}`),
  "/mcp/serve/tools",
];

/** Returns the problems of patterns that name tools. An invalid pattern must be reported, because it would silently match nothing. */
function patternProblems(tree: JsonObject): SourceProblem[] {
  return patternLists.flatMap((pointer) => {
    const patterns = valueAt(tree, pointer);
    return (Array.isArray(patterns) ? patterns : []).flatMap((text, index): SourceProblem[] => {
      const pattern = typeof text === "string" ? parseToolPattern(text) : undefined;
      if (!pattern || !("problem" in pattern)) return [];
      return [{ pointer: child(pointer, index), part: "value", message: pattern.problem }];
    });
  });
}
