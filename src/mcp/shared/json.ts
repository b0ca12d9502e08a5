/** Checks and conversions of JSON values from outside. */
import { messageOf } from "../../core/errors.js";

export type Json = Record<string, unknown>;

export function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Returns the value if it is text, otherwise "". */
export function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/**
 * Returns the value as text. `String` alone throws for an object whose `toString` is not a function, and JSON may contain such an object.
 */
export function wordsOf(value: unknown): string {
  return typeof value === "object" && value !== null ? Object.prototype.toString.call(value) : String(value);
}

export function parseJson(text: string): { value: unknown } | { problem: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}
