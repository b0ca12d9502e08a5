import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { ConversationList } from "../api/conversation-list.js";
import { type Api, ApiFailure } from "../api/host-client.js";
import type { ConversationEntry } from "../api/host-messages.js";

const pageSize = 50;
/** Pause in typing after which the search begins, in ms. */
const pauseMs = 150;

/** Searches the conversations for words. `found` is undefined if there are no words. */
export function useSearch(api: Api, list: ConversationList) {
  const words = useSignal("");
  const answer = useSignal<{ entries: ConversationEntry[]; next: string | null } | undefined>(undefined);
  const asked = useRef(new AbortController());
  const load = async (before?: string | null) => {
    asked.current.abort();
    asked.current = new AbortController();
    const { signal } = asked.current;
    try {
      const { sessions, next } = await api.conversations({ q: words.value.trim(), before, limit: pageSize }, signal);
      const earlier = before ? (answer.value?.entries ?? []) : [];
      answer.value = { entries: [...earlier, ...sessions], next };
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiFailure)) throw error;
      list.failure.value = `The search failed: ${error.message}`;
    }
  };
  useEffect(() => {
    if (words.value.trim() === "") {
      asked.current.abort();
      answer.value = undefined;
      return undefined;
    }
    const timer = setTimeout(() => void load(), pauseMs);
    return () => clearTimeout(timer);
  }, [words.value]);
  // The list knows what has changed since the search.
  const found = useComputed(() =>
    answer.value?.entries
      .filter((entry) => !list.isLeaving(entry))
      .map((entry) => list.find(entry.conversation_id) ?? entry),
  );
  const hasMore = useComputed(() => Boolean(answer.value?.next));
  return { words, found, hasMore, loadMore: () => load(answer.value?.next) };
}
