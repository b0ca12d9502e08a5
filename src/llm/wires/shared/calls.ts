import { asObject, parseJson } from "../../../core/json.js";

/**
 * Returns a tool's name in a form that every API accepts. A model may call a tool by an invalid name, and the name of such a refused call
 * must not spoil later requests.
 */
export function wireName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, 64) || "unnamed";
}

/**
 * Replaces arguments that are not a JSON object. If they were sent back, strict servers would refuse the whole conversation from then on.
 * The same holds for a number that a double cannot hold (llama.cpp answers 500 forever).
 */
export function wireArguments(text: string): string {
  const parsed = asObject(parseJson(text));
  if (!parsed) return JSON.stringify({ invalid_json: text });
  return /[eE]\+?\d{3}/.test(text) ? JSON.stringify(parsed) : text;
}
