import { isWritable, parseJson } from "../../core/json.js";

/** Parses the arguments that a model wrote. Returns undefined if they are not JSON or cannot be serialised again. */
export function parsedArguments(text: string): { value: unknown } | undefined {
  const value = parseJson(text);
  return value !== undefined && isWritable(value) ? { value } : undefined;
}
