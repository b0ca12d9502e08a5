import { randomUUID } from "node:crypto";
import { RequestError } from "./errors.js";

/** Creates an id whose prefix says what it names: `turn_…`, `conv_…`. Injected, so that tests know every id. */
export type NewId = (prefix: string) => string;

/** Finds an id in a text, with its prefix as the first group. */
export const idPattern = /\b([a-z]{1,20})_[0-9a-f]{32}\b/g;

/** Prefix of a conversation created for a single API call, whose caller keeps the history. Lists of conversations omit it. */
export const singleCallPrefix = "single";

export function isOfSingleCall(conversationId: string): boolean {
  return conversationId.startsWith(`${singleCallPrefix}_`);
}

/** Hexadecimal digits of milliseconds since the epoch, enough for 8,900 years. */
const timeDigits = 12;

/**
 * Creates an id from the current time and 74 random bits, as in UUID version 7
 * (https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7). Ids of the same time are neighbours in an index: with purely random ids, an
 * event costs a tenth more pages in a log file.
 */
export const newId: NewId = (prefix) => {
  const time = Date.now().toString(16).padStart(timeDigits, "0");
  return `${prefix}_${time}${randomUUID().replaceAll("-", "").slice(timeDigits)}`;
};

/**
 * Longest id that a caller may choose, in UTF-16 units. A conversation's id and a request's id together must fit into an entry of
 * PostgreSQL's indexes: 2,704 bytes, and a unit takes at most three.
 */
const longestId = 400;
/** Matches half of a character (a lone surrogate), which UTF-8 cannot hold. */
const halfCharacter = /\p{Surrogate}/u;

/**
 * Throws RequestError `usage` if an event log could not store the id, or not as it is. `what` names the id. An id without a limit would
 * also fill every list of conversations.
 */
export function requireStorable(id: string, what: string): void {
  if (id.length > 0 && id.length <= longestId && !id.includes("\0") && !halfCharacter.test(id)) return;
  throw new RequestError("usage", `${what} is 1 to ${longestId} characters of Unicode, none of them NUL`);
}
