import { randomUUID } from "node:crypto";

/** Makes an id with the prefix that says what it names: `turn_…`, `conv_…`. Injected, so that tests know every id. */
export type NewId = (prefix: string) => string;

/** One of them in a text, with its prefix as the first group. */
export const idPattern = /\b([a-z]{1,20})_[0-9a-f]{32}\b/g;

/** Of the id of a conversation that one call of an API made for itself, with a history that its caller keeps: lists leave it out. */
export const singleCallPrefix = "single";

export function isOfSingleCall(conversationId: string): boolean {
  return conversationId.startsWith(`${singleCallPrefix}_`);
}

/** Hexadecimal digits of milliseconds since the epoch, enough for 8,900 years. */
const timeDigits = 12;

/**
 * The time of its making and 74 random bits, as in a UUID of version 7 (https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7): what
 * the log finds by its id is written next to what is written now. With random ids alone an event costs a log in a file a tenth more pages.
 */
export const newId: NewId = (prefix) => {
  const time = Date.now().toString(16).padStart(timeDigits, "0");
  return `${prefix}_${time}${randomUUID().replaceAll("-", "").slice(timeDigits)}`;
};
