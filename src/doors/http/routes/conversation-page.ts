import type { ConversationPage, ConversationQuery } from "../../../core/chat-store.js";
import type { ApiCall } from "../shared/api.js";
import { ApiError } from "../shared/api-errors.js";
import { limitIn, limitWords } from "../shared/limit.js";

export const pageQuery = {
  q: "only those with this in their title or in a message of the user, in any case",
  limit: `at most so many, ${limitWords}`,
  before: "only those after the end of an earlier answer: its next",
};

/** Reads which page of conversations the call asks for. Throws ApiError if a parameter is invalid. */
export function pageIn({ query }: ApiCall): ConversationQuery {
  return { most: limitIn(query("limit")), text: query("q"), after: placeIn(query("before")) };
}

/** Returns the page as it is answered. `next` is the value of `before` for the following page. It is null if this is the last page. */
export function pageAnswer({ conversations, next }: ConversationPage): object {
  return {
    sessions: conversations.map(({ conversationId, title, lastSeq, updatedAt }) => ({
      conversation_id: conversationId,
      title,
      last_seq: lastSeq,
      updated_at: updatedAt,
    })),
    next: next === undefined ? null : String(next),
  };
}

function placeIn(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new ApiError(400, "invalid_position", "before is the next of an earlier answer", "before");
}
