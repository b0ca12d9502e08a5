/** The part of a long list that a call asks for. */
import type { ConversationPage, ConversationQuery } from "../../../core/chat-store.js";
import { sessionEntry } from "../../protocol/session-entry.js";
import type { ApiCall } from "../shared/api.js";
import { ApiError } from "../shared/api-errors.js";

/**
 * Maximum number of items in one answer. A log may have 100,000 conversations, and writing all of them as JSON would block the event loop.
 */
const most = 1000;

export const limitText = `1 to ${most}; default: ${most}`;

/** Reads the query parameter `limit`. Throws ApiError if it is invalid. */
export function limitIn(text = String(most)): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= most) return limit;
  throw new ApiError(400, "invalid_limit", `a limit is a whole number from 1 to ${most}`, "limit");
}

export const pageQuery = {
  q: "only conversations with this text in their title, a message or an answer; case does not matter",
  pinned: "true: only pinned conversations",
  limit: `at most this many, ${limitText}`,
  before: "only conversations after those of an earlier answer: the value of its next",
};

/** Reads which page of conversations the call asks for. Throws ApiError if a parameter is invalid. */
export function pageIn({ query }: ApiCall): ConversationQuery {
  const isPinned = query("pinned") === "true" || undefined;
  return { most: limitIn(query("limit")), text: query("q"), after: positionIn(query("before")), isPinned };
}

/** Returns the page as it is answered. `next` is the value of `before` for the following page. It is null if this is the last page. */
export function pageAnswer({ conversations, next }: ConversationPage): object {
  return {
    sessions: conversations.map(sessionEntry),
    next: next === undefined ? null : String(next),
  };
}

function positionIn(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new ApiError(400, "invalid_position", "before is the next of an earlier answer", "before");
}
