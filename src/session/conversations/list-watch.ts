import { Channel } from "../../core/async/channel.js";
import type { ChatStore, ConversationSummary } from "../../core/chat-store.js";
import { isOfSingleCall } from "../../core/ids.js";
import type { Conversations } from "./conversations.js";

/** A change of the list: a conversation as lists show it now, or the id of a deleted one. */
export type ListChange = { entry: ConversationSummary } | { deletedId: string };

/** The changes of this process, for those who watch the list. */
export class ListChanges {
  readonly #listeners = new Set<(conversationId: string) => void>();

  happened(conversationId: string): void {
    for (const listener of this.#listeners) listener(conversationId);
  }

  /** Calls the listener with the id of each changed conversation, until the returned function is called. */
  listen(listener: (conversationId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

/** Interval, in ms, at which a watch looks for the changes of other processes. */
const lookMs = 500;
/** Number of the latest conversations, and of the latest changes, that a look compares with what was yielded. */
const mostLooked = 100;
/** Number of conversations of which a watch keeps what it has yielded. */
const mostKnown = 1_000;

/**
 * Yields the latest conversations, and then each one that changes: those that this process changes at once, those of other processes within a
 * second. Ends when the signal is aborted. Rejects with StoreError.
 */
export async function* watchList(
  { store, conversations }: { store: Pick<ChatStore, "archive" | "turns">; conversations: Pick<Conversations, "page"> },
  changes: ListChanges,
  signal: AbortSignal,
): AsyncGenerator<ListChange> {
  const known = new Map<string, string>();
  const wake = new Channel<undefined>();
  const changed = new Set<string>();
  const elsewhere = new Set<string>();
  let version: number | undefined;
  let isLookDue = false;
  let isAwake = false;
  const work = () => {
    if (!isAwake) wake.push(undefined);
    isAwake = true;
  };
  const unlisten = changes.listen((conversationId) => {
    changed.add(conversationId);
    work();
  });
  const unwatch = store.turns.watch?.((conversationId) => {
    if (conversationId === undefined) isLookDue = true;
    else elsewhere.add(conversationId);
  });
  const look = async () => {
    const now = await store.turns.version();
    if (now !== version) isLookDue = true;
    version = now;
    for (const conversationId of elsewhere) changed.add(conversationId);
    elsewhere.clear();
    if (isLookDue || changed.size > 0) work();
  };
  const timer = setInterval(() => void look().catch(() => {}), lookMs);
  const end = () => wake.close();
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  const newsOf = async (ids: readonly string[], isFirst: boolean): Promise<ListChange[]> => {
    const listed = ids.filter((id) => !isOfSingleCall(id));
    if (listed.length === 0) return [];
    const query = { ids: listed, most: listed.length };
    const { conversations: shown } = await conversations.page(query);
    const { conversations: all } = await conversations.page({ ...query, includesHidden: true });
    const there = new Set(all.map(({ conversationId }) => conversationId));
    const news = shown.toReversed().filter((entry) => hasChanged(known, entry.conversationId, JSON.stringify(entry)));
    const deleted = isFirst ? [] : listed.filter((id) => !there.has(id) && hasChanged(known, id, ""));
    return [...news.map((entry) => ({ entry })), ...deleted.map((deletedId) => ({ deletedId }))];
  };
  try {
    version = await store.turns.version();
    yield* await newsOf(await store.archive.recentlyChanged(mostLooked), true);
    for await (const _ of wake) {
      isAwake = false;
      const ids = new Set(changed);
      changed.clear();
      if (isLookDue) for (const id of await store.archive.recentlyChanged(mostLooked)) ids.add(id);
      isLookDue = false;
      yield* await newsOf([...ids], false);
    }
  } finally {
    unlisten();
    unwatch?.();
    clearInterval(timer);
    signal.removeEventListener("abort", end);
  }
}

/** Notes what was yielded of a conversation. Returns false if it was yielded before. */
function hasChanged(known: Map<string, string>, id: string, text: string): boolean {
  if (known.get(id) === text) return false;
  known.delete(id);
  known.set(id, text);
  const [oldest = id] = known.keys();
  if (known.size > mostKnown) known.delete(oldest);
  return true;
}
