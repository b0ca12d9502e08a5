import { isPlainObject } from "../../core/json.js";
import type { SourceProblem } from "../../core/source/source.js";
import { child } from "../../core/source/tree.js";
import { templateProblem } from "../shared/templates.js";

export function templateProblems(value: unknown, pointer: string): SourceProblem[] {
  if (typeof value === "string") {
    const message = templateProblem(value);
    return message === undefined ? [] : [{ pointer, part: "value", message }];
  }
  if (!Array.isArray(value) && !isPlainObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => templateProblems(item, child(pointer, key)));
}
