import { isPlainObject, type JsonObject } from "../../core/json.js";
import { parseToolPattern } from "../../core/patterns/tool-pattern.js";
import type { SourceProblem } from "../../core/source/source.js";
import { child, valueAt } from "../../core/source/tree.js";

/** Returns the problems of permission rules. A rule with an invalid pattern must be reported, because it would silently match nothing. */
export function permissionProblems(tree: JsonObject): SourceProblem[] {
  const pointer = "/chat/service/permissions";
  const permissions = valueAt(tree, pointer);
  if (!isPlainObject(permissions)) return [];
  return Object.entries(permissions).flatMap(([list, patterns]) =>
    (Array.isArray(patterns) ? patterns : []).flatMap((text, index): SourceProblem[] => {
      const pattern = typeof text === "string" ? parseToolPattern(text) : undefined;
      if (!pattern || !("problem" in pattern)) return [];
      return [{ pointer: child(child(pointer, list), index), part: "value", message: pattern.problem }];
    }),
  );
}
