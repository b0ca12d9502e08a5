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

/** Returns the text. Returns undefined for "" and for any other type. */
export function asText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Returns the value if it is text, otherwise "". */
export function textOrEmpty(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Returns the number, even if it is written as a text. Returns undefined for any other value. */
export function asNumber(value: unknown): number | undefined {
  const number = asText(value)?.trim() ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

/**
 * Returns the value as text. Calling `String` without a check could throw: JSON may contain an object whose `toString` is not a function.
 */
export function safeString(value: unknown): string {
  return typeof value === "object" && value !== null ? Object.prototype.toString.call(value) : String(value);
}

/** Parses the text. Returns undefined if it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns why the text is not JSON, or undefined if it is JSON. */
export function jsonProblem(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return (error as SyntaxError).message;
  }
}

/** Returns the JSON with indentation for people. If the text is not JSON, returns it unchanged. */
export function indentedJson(text: string): string {
  const value = parseJson(text);
  return value === undefined ? text : JSON.stringify(value, null, 2);
}

/**
 * Maximum nesting of lists and objects. JSON.parse reads any depth, but JSON.stringify fails beyond some thousands. SQLite fails beyond
 * 1,000 levels, which include those of the event that contains the value.
 */
const deepest = 500;

/**
 * True if the nesting of this value, which was parsed from JSON, is small enough for the value to be written again as a part of other JSON.
 */
export function isWritable(value: unknown, levels = deepest): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => isWritable(inner, levels - 1));
}
