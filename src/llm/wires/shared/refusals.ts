import type { ProviderError } from "./provider-error.js";

/** What a refusal says, as one text. Also the parameter, which some name outside of the message; first, since a message may name its replacement too. */
export function textOf({ param, message, code }: ProviderError): string {
  return `${param} ${message} ${code}`;
}

const TOOLS =
  /schema|grammar|\$ref|\$defs|function_?declaration|function_?parameters|\bfunctions?\b\W.{0,80}\bparameters\b|\btools?\b\W{1,6}\d/i;

/** Whether the refusal is about what a tool looks like. */
export function isAboutTools(text: string): boolean {
  return TOOLS.test(text);
}

/** The tool that the refusal names: a function in quotes, else by its place among those sent, else by any word that is its name. */
export function toolNamedIn(text: string, names: readonly string[]): string | undefined {
  // Tools that stand in the middle of a conversation are counted from there (`input[4].tools[0]`).
  const quoted = /\b(?:function|tool) ['"`]([\w-]+)['"`]/i.exec(text)?.[1];
  if (quoted !== undefined && names.includes(quoted)) return quoted;
  // Gemini puts all functions into one tool: `tools[0].function_declarations[34]`.
  const place = /function_?declarations?\W{1,2}(\d+)/i.exec(text) ?? /\btools?\b\W{1,6}(\d+)\b/i.exec(text);
  const byPlace = place && names[Number(place[1])];
  if (byPlace) return byPlace;
  const words = new Set(names);
  return text.match(/[\w-]+/g)?.find((word) => words.has(word));
}
