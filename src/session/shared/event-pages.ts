import type { ChatStore } from "../../core/chat-store.js";
import { RequestError } from "../../core/errors.js";
import type { StoredEvent } from "../../core/events.js";

export type EventReader = Pick<ChatStore, "read">;

/** Maximum number of events in a page. Reading them from a file blocks the event loop for one or two milliseconds. */
export const mostInPage = 200;

/**
 * Yields the events with `seq >= from` in pages, so that a long conversation is never in memory as a whole, and other work can run in
 * between. Rejects with StoreError, and with RequestError `not_found` if the conversation is deleted meanwhile: what was yielded is then not
 * the whole.
 */
export async function* eventPages(store: EventReader, conversationId: string, from = 1): AsyncGenerator<StoredEvent[]> {
  let page = await store.read(conversationId, from, mostInPage);
  if (page.length > 0) yield page;
  while (page.length > 1) {
    await new Promise(setImmediate);
    const last = page.at(-1);
    // The page begins with the last event that is known. If it is another one, a new conversation has the same id.
    page = await store.read(conversationId, last?.seq, mostInPage + 1);
    const [same, ...next] = page;
    if (same?.seq !== last?.seq || same?.turnId !== last?.turnId) {
      throw new RequestError("not_found", `the conversation ${conversationId} was deleted`);
    }
    if (next.length > 0) yield next;
  }
}
