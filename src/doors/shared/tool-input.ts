import { isWritable } from "../../core/nesting.js";

/** Parses the arguments that a model wrote. Returns undefined if they are no JSON or cannot be serialised again. */
export function parsedArguments(text: string): { value: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isWritable(value) ? { value } : undefined;
  } catch {
    return undefined;
  }
}
