/** Checks and conversions of JSON from outside. The readers treat a value of an unexpected type as absent. */

export type JsonObject = Record<string, unknown>;

/** Returns true for an object that is not an array. */
export function isPlainObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function asObject(value: unknown): JsonObject | undefined {
  return isPlainObject(value) ? value : undefined;
}

export function asObjects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isPlainObject) : [];
}

export function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Returns the text; undefined for "" and for anything that is not a text. */
export function asText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Returns the value if it is text, otherwise "". */
export function textOrEmpty(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Returns the number, also if it is written as a text; otherwise undefined. */
export function asNumber(value: unknown): number | undefined {
  const number = asText(value)?.trim() ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

/**
 * Returns the value as text. `String` alone throws for an object whose `toString` is not a function, and JSON may contain such an object.
 */
export function safeString(value: unknown): string {
  return typeof value === "object" && value !== null ? Object.prototype.toString.call(value) : String(value);
}

/** Returns undefined if the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns why the text is not JSON. Undefined if it is JSON. */
export function jsonProblem(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return (error as SyntaxError).message;
  }
}

/** Returns the JSON with indentation, for people. Returns a text that is not JSON unchanged. */
export function indentedJson(text: string): string {
  const value = parseJson(text);
  return value === undefined ? text : JSON.stringify(value, null, 2);
}

/**
 * Deepest allowed nesting of lists and objects. JSON.parse reads any depth, but JSON.stringify fails beyond some thousands. SQLite, which
 * reads a value as part of its event, fails beyond 1,000.
 */
const deepest = 500;

/** True if this value, parsed from JSON, is shallow enough to be written again as a part of other JSON. */
export function isWritable(value: unknown, levels = deepest): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => isWritable(inner, levels - 1));
}
