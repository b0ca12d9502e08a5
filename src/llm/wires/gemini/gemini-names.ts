import { wireName } from "../shared/calls.js";

/**
 * Returns a tool's name in Gemini's form. It must begin with a letter or `_`, but a tool's name begins with its server's name, which may
 * begin with a digit or `-`.
 */
export function geminiName(name: string): string {
  const known = wireName(name);
  return /^[a-zA-Z_]/.test(known) ? known : `_${known}`;
}

export function toolNameOf(name: string, tools: readonly { readonly name: string }[]): string {
  if (tools.some((tool) => tool.name === name)) return name;
  return tools.find((tool) => geminiName(tool.name) === name)?.name ?? name;
}
