import { randomUUID } from "node:crypto";
import { RequestError } from "./errors.js";

/**
 * Creates an id with a prefix for its kind: `turn_…`, `conv_…`. This function is passed as a parameter, so that tests can choose the ids.
 */
export type NewId = (prefix: string) => string;

/** Matches ids within a text. The first group is the prefix. */
export const idPattern = /\b([a-z]{1,20})_[0-9a-f]{32}\b/g;

/**
 * Prefix of the ids of conversations that were created for an API call that names none. Lists of conversations leave out these
 * conversations, and the responses that continue them.
 */
export const singleCallPrefix = "single";

export function isOfSingleCall(conversationId: string): boolean {
  return conversationId.startsWith(`${singleCallPrefix}_`);
}

/** Number of hexadecimal digits for the milliseconds since the epoch. They are enough for 8,900 years. */
const timeDigits = 12;

/**
 * Creates an id from the current time and 74 random bits, as in UUID version 7
 * (https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7). Ids that are created at about the same time are neighbours in an index.
 * With purely random ids, an event would cost 10 % more pages in a log file.
 */
export const newId: NewId = (prefix) => {
  const time = Date.now().toString(16).padStart(timeDigits, "0");
  return `${prefix}_${time}${randomUUID().replaceAll("-", "").slice(timeDigits)}`;
};

/**
 * Maximum length of an id that a caller chooses, in UTF-16 units. The ids of a conversation and of a request together must fit into an
 * entry of PostgreSQL's indexes. Such an entry has at most 2,704 bytes, and a UTF-16 unit takes at most three of them. Long ids would also
 * fill every list of conversations.
 */
const longestId = 400;
/** Matches half of a character (a lone surrogate), which UTF-8 cannot hold. */
const halfCharacter = /\p{Surrogate}/u;

/**
 * Throws RequestError `usage` if the id is empty, too long, or contains something that an event log could not store unchanged. `what` names
 * the id in the message.
 */
export function requireStorable(id: string, what: string): void {
  if (id.length > 0 && id.length <= longestId && !id.includes("\0") && !halfCharacter.test(id)) return;
  throw new RequestError("usage", `${what} is 1 to ${longestId} characters of Unicode, none of them NUL`);
}

/**
 * Throws RequestError `usage` if the id of a new conversation would make it count as a conversation for a single API call: lists would leave
 * it out, and retention would delete it.
 */
export function requireOwnId(conversationId: string): void {
  if (!isOfSingleCall(conversationId)) return;
  const why = `ids that begin with "${singleCallPrefix}_" are reserved for single API calls, which no list shows`;
  throw new RequestError("usage", `a new conversation cannot have the id ${conversationId}: ${why}; choose another id`);
}
