import { useSignal } from "@preact/signals";
import type { TargetedFocusEvent, TargetedKeyboardEvent } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Api } from "../api/host-client.js";
import type { ConversationEntry } from "../api/host-messages.js";
import { Alert } from "../markdown/alert.js";
import { visibleText } from "../markdown/visible.js";
import { ago } from "../shared/format-text.js";
import { forgetLast, goTo, linkTo } from "../shared/page-address.js";
import { saveFile } from "../shared/save-file.js";
import { useAttempts } from "./use-loaded.js";

/** Number of conversations in a page. A page fills more than a screen but is small enough to be drawn at once. */
const pageSize = 100;
/** Pause in typing after which the search begins, in ms. */
const pauseMs = 150;

export function ConversationsView({ api }: { api: Api }) {
  const { list, next, failure, words, load, act } = useConversations(api);
  const doomed = useSignal<ConversationEntry | undefined>(undefined);
  return (
    <section class="page">
      <header class="title">
        <h1>Conversations</h1>
        <a class="button" href={linkTo("chat")}>
          New chat
        </a>
      </header>
      <label class="search">
        <span class="unseen">Search in titles and messages</span>
        <input
          type="search"
          placeholder="Search in titles and messages"
          value={words.value}
          onInput={({ currentTarget }) => {
            words.value = currentTarget.value;
          }}
        />
      </label>
      <Alert text={failure.value} />
      <p class="unseen" aria-live="polite">
        {list.value && `${list.value.length}${next.value ? " or more" : ""} conversations`}
      </p>
      {list.value?.length === 0 && (
        <p class="quiet">
          {words.value ? "No conversation has this text in its title." : "There are no conversations."}
        </p>
      )}
      <ul class="plain-list conversations">
        {list.value?.map((each) => (
          <ConversationRow
            key={each.conversation_id}
            conversation={each}
            onFork={() => void act(async () => goTo("chat", await api.fork(each.conversation_id)))}
            onExport={(format) => void act(() => download(api, each.conversation_id, format))}
            onDelete={() => {
              doomed.value = each;
            }}
          />
        ))}
      </ul>
      {next.value && <More key={next.value} onMore={() => void load(next.value)} />}
      {doomed.value && (
        <ConfirmDelete
          conversation={doomed.value}
          onClose={(isMeant) => {
            const { conversation_id: id } = doomed.value as ConversationEntry;
            doomed.value = undefined;
            if (!isMeant) return;
            void act(async () => {
              await api.deleteConversation(id);
              forgetLast(id);
              list.value = list.value?.filter(({ conversation_id }) => conversation_id !== id);
            });
          }}
        />
      )}
    </section>
  );
}

function useConversations(api: Api) {
  const list = useSignal<ConversationEntry[] | undefined>(undefined);
  const next = useSignal<string | null>(null);
  const { failure, attempt: act } = useAttempts();
  const query = useSignal("");
  const asked = useRef(new AbortController());
  /** Loads the page of conversations after the position `before`. Null loads the first page. */
  const load = (before: string | null = null) =>
    act(async () => {
      asked.current.abort();
      asked.current = new AbortController();
      const { signal } = asked.current;
      const page = await api.conversations({ q: query.value, before, limit: pageSize }, signal);
      list.value = before ? [...(list.value ?? []), ...page.sessions] : page.sessions;
      next.value = page.next;
    });
  useEffect(() => {
    const timer = setTimeout(() => void load(), list.value ? pauseMs : 0);
    return () => clearTimeout(timer);
  }, [query.value]);
  return { list, next, failure, words: query, load, act };
}

/** Shows a button that loads the next page. The page is loaded when the button becomes visible or is pressed. */
function More({ onMore }: { onMore: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!button.current) return undefined;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) onMore();
    });
    observer.observe(button.current);
    return () => observer.disconnect();
  }, []);
  return (
    <button type="button" ref={button} onClick={onMore}>
      More
    </button>
  );
}

function ConfirmDelete({
  conversation,
  onClose,
}: {
  conversation: ConversationEntry;
  onClose: (isMeant: boolean) => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby="delete-title"
      onClose={() => onClose(dialog.current?.returnValue === "delete")}
    >
      <form method="dialog">
        <h2 id="delete-title">Delete this conversation for good?</h2>
        <p class="quiet">{visibleText(conversation.title) || "(no text)"}</p>
        <div class="buttons">
          <button type="submit" value="keep">
            Keep it
          </button>
          <button type="submit" value="delete" class="no">
            Delete
          </button>
        </div>
      </form>
    </dialog>
  );
}

async function download(api: Api, id: string, format: string): Promise<void> {
  saveFile(`${id}.${format}`, await api.exported(id, format));
}

interface ConversationRowProps {
  conversation: ConversationEntry;
  onFork: () => void;
  onExport: (format: string) => void;
  onDelete: () => void;
}

const formats = [
  ["md", "Markdown"],
  ["html", "a page"],
  ["json", "JSON"],
] as const;

function ConversationRow({ conversation, onFork, onExport, onDelete }: ConversationRowProps) {
  const { conversation_id: id, title, updated_at: at } = conversation;
  const name = visibleText(title) || "(no text)";
  return (
    <li class="conversation">
      <a class="open" href={linkTo("chat", id)}>
        {name}
      </a>
      <time class="small quiet" dateTime={new Date(at).toISOString()}>
        {ago(at, Date.now())}
      </time>
      <details class="menu" onFocusOut={closeBehind} onKeyDown={closeByEscape}>
        <summary aria-label={`More for ${name}`}>⋯</summary>
        <div class="card">
          <a class="button" href={linkTo("trace", id)}>
            Trace
          </a>
          <button type="button" onClick={onFork}>
            Fork
          </button>
          {formats.map(([format, label]) => (
            <button type="button" onClick={() => onExport(format)}>
              Export as {label}
            </button>
          ))}
          <button type="button" class="no" onClick={onDelete}>
            Delete…
          </button>
        </div>
      </details>
    </li>
  );
}

function closeBehind({ currentTarget, relatedTarget }: TargetedFocusEvent<HTMLDetailsElement>): void {
  if (!(relatedTarget instanceof Node && currentTarget.contains(relatedTarget))) currentTarget.open = false;
}

function closeByEscape({ key, currentTarget }: TargetedKeyboardEvent<HTMLDetailsElement>): void {
  if (key !== "Escape") return;
  currentTarget.open = false;
  currentTarget.querySelector("summary")?.focus();
}
