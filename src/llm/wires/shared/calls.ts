import { asObject, parseJson } from "../../json.js";

/** Replaces a name that no API takes back. The model called such a tool, the call was refused, and must not spoil later requests. */
export function wireName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, 64) || "unnamed";
}

/**
 * Replaces arguments that are not a JSON object. The call was refused already; sent back unchanged, strict servers would refuse the whole
 * conversation from then on. The same holds for a number beyond a double (llama.cpp answers 500 forever).
 */
export function wireArguments(text: string): string {
  const parsed = asObject(parseJson(text));
  if (!parsed) return JSON.stringify({ invalid_json: text });
  return /[eE]\+?\d{3}/.test(text) ? JSON.stringify(parsed) : text;
}
