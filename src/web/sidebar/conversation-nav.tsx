import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { ConversationList } from "../api/conversation-list.js";
import type { Api } from "../api/host-client.js";
import type { ConversationEntry } from "../api/host-messages.js";
import { Alert } from "../markdown/alert.js";
import { address, goTo } from "../shared/page-address.js";
import { type Command, useCommands } from "../shared/page-commands.js";
import { ConversationMenu } from "./conversation-menu.js";
import { ConversationRow, focusRow, shownTitle } from "./conversation-row.js";
import { dayGroups } from "./day-groups.js";
import { useSearch } from "./use-search.js";

interface ConversationNavProps {
  api: Api;
  list: ConversationList;
}

/** The search, the conversations by day, and what can be done with each of them. */
export function ConversationNav({ api, list }: ConversationNavProps) {
  const search = useSearch(api, list);
  const chosen = useSignal<ConversationEntry | undefined>(undefined);
  const renamedId = useSignal<string | undefined>(undefined);
  const { view, conversationId } = address.value;
  const isOpen = ({ conversation_id: id }: ConversationEntry) =>
    id === conversationId && (view === "chat" || view === "trace");
  const entries = search.found.value ?? list.entries.value;
  const remove = (entry: ConversationEntry) => {
    list.delete(entry);
    if (isOpen(entry)) goTo("chat");
  };
  const rename = ({ conversation_id: id }: ConversationEntry) => {
    renamedId.value = id;
  };
  const field = useRef<HTMLInputElement>(null);
  useCommands(() => {
    const entry = list.find(conversationId);
    const search: Command = { name: "Search conversations", isInSidebar: true, run: () => field.current?.focus() };
    if (!entry || !isOpen(entry)) return [search];
    const isPinned = entry.pinned;
    const pin = () => void list.change(entry, { pinned: !isPinned });
    return [
      { name: "Rename this conversation", isInSidebar: true, run: () => rename(entry) },
      { name: `${isPinned ? "Unpin" : "Pin"} this conversation`, run: pin },
      { name: "Delete this conversation", isInSidebar: true, run: () => remove(entry) },
      search,
    ];
  });
  return (
    <>
      <search>
        <input
          type="search"
          ref={field}
          aria-label="Search conversations"
          placeholder="Search conversations"
          value={search.words.value}
          onInput={({ currentTarget }) => {
            search.words.value = currentTarget.value;
          }}
        />
      </search>
      <nav class="conversations" aria-label="Conversations">
        {entries?.length === 0 && (
          <p class="small quiet">{search.found.value ? "No conversation has these words." : "No conversations yet."}</p>
        )}
        {dayGroups(entries ?? [], Date.now()).map(({ name, entries: ofDay }) => (
          <section key={name} aria-label={name}>
            <p class="day small quiet" aria-hidden="true">
              {name}
            </p>
            <ul>
              {ofDay.map((entry) => (
                <ConversationRow
                  key={entry.conversation_id}
                  entry={entry}
                  isOpen={isOpen(entry)}
                  isRenamed={renamedId.value === entry.conversation_id}
                  onMenu={() => {
                    chosen.value = entry;
                  }}
                  onRenamed={(title) => {
                    renamedId.value = undefined;
                    if (title) void list.change(entry, { title });
                    requestAnimationFrame(() => hasFocus() || focusRow(entry.conversation_id));
                  }}
                />
              ))}
            </ul>
          </section>
        ))}
        {search.found.value
          ? search.hasMore.value && <More onMore={search.loadMore} />
          : list.hasMore.value && <More onMore={() => list.loadMore()} />}
      </nav>
      <p class="unseen" aria-live="polite">
        {search.found.value && `${search.found.value.length}${search.hasMore.value ? " or more" : ""} conversations`}
      </p>
      <Alert text={list.failure.value} />
      {list.deleted.value && (
        <UndoNotice key={list.deleted.value.conversation_id} list={list} entry={list.deleted.value} />
      )}
      <ConversationMenu api={api} list={list} entry={chosen.value} onRename={rename} onDelete={remove} />
    </>
  );
}

function hasFocus(): boolean {
  return document.activeElement !== document.body && document.activeElement !== null;
}

/** Offers to undo a deletion. It has the focus, which the deleted row had. */
function UndoNotice({ list, entry }: { list: ConversationList; entry: ConversationEntry }) {
  const button = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    const { current } = button;
    current?.focus();
    // The notice goes, and its focus would be lost.
    return () => void (document.activeElement === current && focusRow(undefined));
  }, []);
  const undo = () => {
    list.undoDeletion();
    requestAnimationFrame(() => focusRow(entry.conversation_id));
  };
  return (
    <div class="undo small" role="status">
      <span class="name">Deleted {shownTitle(entry)}</span>
      <button type="button" ref={button} onClick={undo}>
        Undo
      </button>
    </div>
  );
}

/** Shows a button that loads the next page. The page is loaded when the button becomes visible or is pressed. */
function More({ onMore }: { onMore: () => Promise<void> }) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!button.current) return undefined;
    const observer = new IntersectionObserver((seen) => {
      if (seen.some(({ isIntersecting }) => isIntersecting)) void onMore();
    });
    observer.observe(button.current);
    return () => observer.disconnect();
  });
  return (
    <button type="button" class="plain" ref={button} onClick={() => void onMore()}>
      More
    </button>
  );
}
