/** Checks and conversions of JSON from outside. The readers treat a value of an unexpected type as absent. */

export type JsonObject = Record<string, unknown>;

/** Returns true for an object that is not an array. */
export function isPlainObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Returns true if the value has more than this many levels of lists and objects. */
export function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(levels - 1, inner));
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

/**
 * Maximum number of values in a text from outside. A value takes up to 200 bytes of memory and a microsecond, even if it is written as
 * `{},`. Without this limit, a text of 60 MB would stop the event loop for a minute and take gigabytes.
 */
const mostValues = 1_000_000;

export const tooManyValues = "more than 1,000,000 values";
const quote = 0x22;
const comma = 0x2c;
const bracket = 0x5b;
const brace = 0x7b;

/**
 * Returns true if parsing this JSON would take too much time and memory. Counts the commas and the opening brackets outside of texts. A
 * text that is too short to contain so many is not read.
 */
export function hasTooManyValues(json: string): boolean {
  if (json.length <= mostValues || !/^\s*[[{]/.test(json)) return false;
  let count = 0;
  for (let at = 0; at < json.length && count <= mostValues; at++) {
    const code = json.charCodeAt(at);
    if (code === quote) at = endOfString(json, at) - 1;
    else if (code === comma || code === brace || code === bracket) count++;
  }
  return count > mostValues;
}

/** Returns the index after the string that begins at `start`. A regular expression would run out of stack in a string of some megabytes. */
function endOfString(json: string, start: number): number {
  let end = start;
  let isEscaped: boolean;
  do {
    end = json.indexOf('"', end + 1);
    if (end < 0) return json.length;
    let first = end;
    while (json[first - 1] === "\\") first--;
    isEscaped = (end - first) % 2 === 1;
  } while (isEscaped);
  return end + 1;
}

/** Parses the text. Throws a SyntaxError if it is not JSON or has too many values. */
export function readJson(text: string): unknown {
  if (hasTooManyValues(text)) throw new SyntaxError(`the JSON has ${tooManyValues}`);
  return JSON.parse(text);
}

/** Parses the text. Returns undefined if it is not JSON or has too many values. */
export function parseJson(text: string): unknown {
  try {
    return readJson(text);
  } catch {
    return undefined;
  }
}

/** Returns why the text cannot be parsed, or undefined if it can. */
export function jsonProblem(text: string): string | undefined {
  try {
    readJson(text);
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

/**
 * Returns the first key that occurs twice in one object of this JSON. Parsers disagree on which of the two values counts, so the value that
 * a person is shown could differ from the value that is used. The text must be valid JSON. Takes linear time.
 */
export function duplicateKey(json: string): string | undefined {
  /** For each object or list that is open: the keys seen so far, or undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < json.length; at++) {
    const char = json[at];
    if (char === "{") open.push(new Set());
    else if (char === "[") open.push(undefined);
    else if (char === "}" || char === "]") open.pop();
    else if (char === '"') {
      const end = endOfString(json, at);
      colon.lastIndex = end;
      if (colon.test(json)) {
        const key: string = JSON.parse(json.slice(at, end));
        const known = open.at(-1);
        if (known?.has(key)) return key;
        known?.add(key);
      }
      at = end - 1;
    }
  }
  return undefined;
}

const colon = /\s*:/y;
