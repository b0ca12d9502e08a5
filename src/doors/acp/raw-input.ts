import { parsedArguments } from "../shared/tool-input.js";

/** Returns the arguments as JSON, or the model's own text if they are not valid JSON. */
export function rawInput(text: string): unknown {
  const parsed = parsedArguments(text);
  return parsed ? parsed.value : text;
}
