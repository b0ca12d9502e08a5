import { parsedArguments } from "../tool-input.js";

/** Arguments as JSON; as the text that the model wrote where they cannot be shown so. */
export function rawInput(text: string): unknown {
  const parsed = parsedArguments(text);
  return parsed ? parsed.value : text;
}

export function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
