import type { ConversationSummary } from "../../../core/chat-store.js";
import type { ApiCall } from "../shared/api.js";
import { ApiError } from "../shared/api-errors.js";
import { limitIn, limitWords } from "../shared/limit.js";

export const pageQuery = {
  q: "only those whose title has this in it, in any case",
  limit: `at most so many, ${limitWords}`,
  before: "only those after the end of an earlier answer: its next",
};

/**
 * Returns the page of conversations that the call asks for, the latest first. `next` is the value of `before` for the following page. It is
 * null if this is the last page.
 */
export function conversationPage(all: readonly ConversationSummary[], { query }: ApiCall): object {
  const limit = limitIn(query("limit"));
  const words = (query("q") ?? "").toLowerCase();
  const before = placeIn(query("before"));
  const found = all
    .filter(({ title }) => title.toLowerCase().includes(words))
    .toSorted((a, b) => b.updatedAt - a.updatedAt || compare(b.conversationId, a.conversationId))
    .filter((each) => !before || isBefore(each, before));
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    sessions: page.map(({ conversationId, title, lastSeq, updatedAt }) => ({
      conversation_id: conversationId,
      title,
      last_seq: lastSeq,
      updated_at: updatedAt,
    })),
    next: last && found.length > page.length ? `${last.updatedAt}.${last.conversationId}` : null,
  };
}

type PageStart = Pick<ConversationSummary, "updatedAt" | "conversationId">;

function isBefore(one: PageStart, other: PageStart): boolean {
  if (one.updatedAt !== other.updatedAt) return one.updatedAt < other.updatedAt;
  return one.conversationId < other.conversationId;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function placeIn(text: string | undefined): PageStart | undefined {
  if (text === undefined) return undefined;
  const [, updatedAt, conversationId] = /^(\d{1,15})\.(.+)$/s.exec(text) ?? [];
  if (updatedAt && conversationId) return { updatedAt: Number(updatedAt), conversationId };
  throw new ApiError(400, "invalid_position", "before is the next of an earlier answer", "before");
}
