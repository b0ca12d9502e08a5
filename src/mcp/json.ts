/** Careful looks at values that somebody else made. */
import { messageOf } from "../core/errors.js";

export type Json = Record<string, unknown>;

export function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value where it is text, else "". */
export function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Of what is to be a text or a number. `String` throws for an object whose `toString` is no function, as JSON may have it. */
export function wordsOf(value: unknown): string {
  return typeof value === "object" && value !== null ? Object.prototype.toString.call(value) : String(value);
}

/** JSON.parse without the exception. */
export function parseJson(text: string): { value: unknown } | { problem: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}
