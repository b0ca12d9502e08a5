import { wireName } from "../shared/calls.js";

/**
 * Returns a tool's name in a form that Gemini accepts. Gemini's names must begin with a letter or `_`. The host's names of tools begin with
 * the name of a server, which may begin with a digit or `-`.
 */
export function geminiName(name: string): string {
  const known = wireName(name);
  return /^[a-zA-Z_]/.test(known) ? known : `_${known}`;
}

export function toolNameOf(name: string, tools: readonly { readonly name: string }[]): string {
  if (tools.some((tool) => tool.name === name)) return name;
  return tools.find((tool) => geminiName(tool.name) === name)?.name ?? name;
}
