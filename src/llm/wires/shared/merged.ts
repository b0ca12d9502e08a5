import { asObject, type JsonObject } from "../../../core/json.js";

/** Adds the user's `extra_body` to a body. Nested objects are merged; any other value replaces the value in the body. */
export function merged(body: JsonObject, extra: JsonObject | undefined): JsonObject {
  if (!extra) return body;
  const result = { ...body };
  for (const [key, value] of Object.entries(extra)) {
    const ours = Object.hasOwn(result, key) ? asObject(result[key]) : undefined;
    const theirs = asObject(value);
    result[key] = ours && theirs ? merged(ours, theirs) : value;
  }
  return result;
}
