import { asObject, parseJson } from "../../json.js";

/** Replaces a name that no API takes back. A model may call such a tool; the refused call must not spoil later requests. */
export function wireName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, 64) || "unnamed";
}

/**
 * Replaces arguments that are not a JSON object: sent back, they make strict servers refuse the whole conversation from then on. So does a
 * number beyond a double (llama.cpp answers 500 forever).
 */
export function wireArguments(text: string): string {
  const parsed = asObject(parseJson(text));
  if (!parsed) return JSON.stringify({ invalid_json: text });
  return /[eE]\+?\d{3}/.test(text) ? JSON.stringify(parsed) : text;
}
