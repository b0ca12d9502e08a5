import { isWritable } from "../core/nesting.js";

/** The arguments that a model wrote, as JSON. Undefined where they do not parse, or could not be written again. */
export function parsedArguments(text: string): { value: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isWritable(value) ? { value } : undefined;
  } catch {
    return undefined;
  }
}
