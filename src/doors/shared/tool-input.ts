import { parseJson } from "../../core/json.js";
import { isWritable } from "../../core/nesting.js";

/** Parses the arguments that a model wrote. Returns undefined if they are no JSON or cannot be serialised again. */
export function parsedArguments(text: string): { value: unknown } | undefined {
  const value = parseJson(text);
  return value !== undefined && isWritable(value) ? { value } : undefined;
}
