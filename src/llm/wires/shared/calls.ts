import { asObject, type JsonObject, parseJson } from "../../../core/json.js";

/**
 * Returns a tool's name in a form that every API accepts. Even after a model has called a tool by an invalid name, later requests must not
 * be refused because of that name.
 */
export function wireName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, 64) || "unnamed";
}

/**
 * Returns the arguments as an object. Arguments that are not a JSON object are replaced: if they were sent back, strict servers would
 * refuse every later request of the conversation.
 */
export function wireInput(text: string): JsonObject {
  return asObject(parseJson(text)) ?? { invalid_json: text };
}

/**
 * Returns the arguments as the model wrote them if they are a JSON object, otherwise as `wireInput` does. A number that a double cannot
 * hold becomes null, because llama.cpp would answer 500 to every later request.
 */
export function wireArguments(text: string): string {
  const parsed = asObject(parseJson(text));
  if (!parsed) return JSON.stringify(wireInput(text));
  return /[eE]\+?\d{3}/.test(text) ? JSON.stringify(parsed) : text;
}
