import { isWritable } from "../core/nesting.js";

/** Returns the arguments that a model wrote, as JSON. Undefined if they do not parse or cannot be serialised again. */
export function parsedArguments(text: string): { value: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isWritable(value) ? { value } : undefined;
  } catch {
    return undefined;
  }
}
