import type { ChatStore } from "../../core/chat-store.js";
import type { StoredEvent } from "../../core/events.js";

/** Number of events in a page. Reading them from a file blocks the event loop for one or two milliseconds. */
const mostInPage = 200;

/**
 * Yields the events with `seq >= from` in pages, so that a long conversation is never in memory as a whole, and other work can run in
 * between. Rejects with StoreError.
 */
export async function* eventPages(
  store: Pick<ChatStore, "read">,
  conversationId: string,
  from = 1,
): AsyncGenerator<StoredEvent[]> {
  for (let next = from; ; ) {
    const page = await store.read(conversationId, next, mostInPage);
    if (page.length > 0) yield page;
    if (page.length < mostInPage) return;
    next = (page.at(-1)?.seq ?? next) + 1;
    await new Promise(setImmediate);
  }
}
