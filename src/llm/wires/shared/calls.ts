import { asObject, parseJson } from "../../json.js";

/** A model can call a tool by a name that no API takes back. Such a call was refused, and must not spoil what follows. */
export function wireName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, 64) || "unnamed";
}

/**
 * Arguments that are no JSON object were refused when the model wrote them; replayed as they are, strict servers refuse
 * the whole conversation from then on. The same goes for a number beyond a double (llama.cpp answers 500 for ever).
 */
export function wireArguments(text: string): string {
  const parsed = asObject(parseJson(text));
  if (!parsed) return JSON.stringify({ invalid_json: text });
  return /[eE]\+?\d{3}/.test(text) ? JSON.stringify(parsed) : text;
}
