/** Differences between a request and the most similar recorded one, as text. */
import { isPlainObject } from "../../../core/json.js";
import { redactedMark } from "../../../core/text/redaction.js";

export interface Difference {
  /** Path to the value, such as `$.messages[2].content`. */
  path: string;
  /** Value in the recorded request. Undefined if the recorded request does not have this value. */
  recorded: unknown;
  now: unknown;
}

const maxShown = 5;
const maxChars = 100;
/** Number of equal characters that are shown before the first difference. */
const leadChars = 20;

/** Returns the differences between two values. A member or item that only one of the values has counts as one difference. */
export function differences(recorded: unknown, now: unknown, path = "$"): Difference[] {
  if (Array.isArray(recorded) && Array.isArray(now)) {
    const length = Math.max(recorded.length, now.length);
    return Array.from({ length }, (_, index) => differences(recorded[index], now[index], `${path}[${index}]`)).flat();
  }
  if (isPlainObject(recorded) && isPlainObject(now)) {
    const keys = [...new Set([...Object.keys(recorded), ...Object.keys(now)])].sort();
    return keys.flatMap((key) => differences(recorded[key], now[key], `${path}${member(key)}`));
  }
  return Object.is(recorded, now) ? [] : [{ path, recorded, now }];
}

export function distance(found: readonly Difference[]): number {
  return found.reduce((sum, { recorded, now }) => sum + Math.max(leaves(recorded), leaves(now)), 0);
}

/** Describes the differences as lines of text. Their number and length are limited. */
export function changeText(found: readonly Difference[]): string {
  const lines = found.slice(0, maxShown).map(({ path, recorded, now }) => {
    const at = firstDifference(recorded, now);
    return `  ${visible(path)}\n    recorded: ${excerpt(recorded, at)}\n    now:      ${excerpt(now, at)}`;
  });
  const more = found.length - maxShown;
  return [...lines, ...(more > 0 ? [`  and ${more} more differences`] : [])].join("\n");
}

function member(key: string): string {
  return /^[\w$-]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function leaves(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + leaves(item), 1);
  if (isPlainObject(value)) return Object.values(value).reduce<number>((sum, item) => sum + leaves(item), 1);
  return value === undefined ? 0 : 1;
}

function firstDifference(recorded: unknown, now: unknown): number {
  if (typeof recorded !== "string" || typeof now !== "string") return 0;
  let at = 0;
  while (at < recorded.length && recorded[at] === now[at]) at++;
  return at;
}

function excerpt(value: unknown, at: number): string {
  if (value === undefined) return "(nothing)";
  if (typeof value !== "string") return visible(cut(JSON.stringify(value)));
  const start = Math.max(0, at - leadChars);
  const part = value.slice(start, start + maxChars);
  const after = start + maxChars < value.length ? "…" : "";
  return visible(`${start > 0 ? "…" : ""}${JSON.stringify(part)}${after}`);
}

function cut(text: string): string {
  return text.length > maxChars ? `${text.slice(0, maxChars)}…` : text;
}

/** Escapes characters that are invisible or that a terminal would obey. */
export function visible(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the function searches for these characters
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

export function isRedacted(text: string): boolean {
  return text.includes(redactedMark);
}

/**
 * Returns true if `now` equals the recorded text. A redacted part of the recorded text matches any text: on another machine the original
 * text may be different, or may not be redacted.
 */
export function isAlike(recorded: string, now: string): boolean {
  const [start = "", ...parts] = recorded.split(redactedMark);
  const end = parts.pop();
  if (end === undefined) return recorded === now;
  if (!now.startsWith(start)) return false;
  let at = start.length;
  for (const part of parts) {
    const found = now.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return now.endsWith(end) && now.length - end.length >= at;
}
