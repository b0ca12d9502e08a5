/** How values stand in reasons: one line, bounded, harmless to a terminal. */
import { endsOf } from "../../../core/excerpt.js";
import { unambiguous } from "../../../core/inert.js";

const maxBytes = 300;

export function quoted(text: string): string {
  return JSON.stringify(endsOf(unambiguous(endsOf(text, maxBytes * 10)), maxBytes));
}

/** A value as JSON; text is quoted. */
export function shown(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  return endsOf(unambiguous(JSON.stringify(value) ?? "nothing"), maxBytes);
}

export function listed(texts: readonly string[]): string {
  return texts.length === 0 ? "none" : endsOf(texts.map(unambiguous).join(", "), maxBytes);
}

/** Templates are filled in after a script was read: until then there is no telling. */
export function isTemplate(text: string): boolean {
  return text.includes("{{");
}

/** What is wrong with the keys; undefined when nothing is. */
export function unknownKey(value: Record<string, unknown>, known: readonly string[]): { problem: string } | undefined {
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  return unknown === undefined
    ? undefined
    : { problem: `unknown key ${quoted(unknown)}: expected ${known.join(", ")}` };
}
