/** Formats values for the failure messages of assertions: in one line, limited in length, and without control characters. */
import { endsOf } from "../../core/text/excerpt.js";
import { unambiguous } from "../../core/text/inert.js";

const maxBytes = 300;

export function quoted(text: string): string {
  return JSON.stringify(endsOf(unambiguous(endsOf(text, maxBytes * 10)), maxBytes));
}

export function shown(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  return endsOf(unambiguous(JSON.stringify(value) ?? "nothing"), maxBytes);
}

export function listed(texts: readonly string[]): string {
  return texts.length === 0 ? "none" : endsOf(texts.map(unambiguous).join(", "), maxBytes);
}

/** Returns true if the text has templates. Such a text cannot be checked before its templates are filled in. */
export function containsTemplate(text: string): boolean {
  return text.includes("{{");
}

/** Checks that all keys are known. Returns a problem that names the first unknown key, or undefined if there is none. */
export function unknownKey(value: Record<string, unknown>, known: readonly string[]): { problem: string } | undefined {
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  return unknown === undefined
    ? undefined
    : { problem: `unknown key ${quoted(unknown)}: expected ${known.join(", ")}` };
}
