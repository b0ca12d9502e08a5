import { useLayoutEffect, useRef } from "preact/hooks";
import type { ConversationEntry } from "../api/host-messages.js";
import { visibleText } from "../markdown/visible.js";
import { linkTo } from "../shared/page-address.js";
import { menuId } from "./conversation-menu.js";

interface ConversationRowProps {
  entry: ConversationEntry;
  isOpen: boolean;
  isRenamed: boolean;
  /** Called with the new title, or without one if the title is to stay. */
  onRenamed: (title?: string) => void;
  onMenu: () => void;
}

const marks = { running: "running", waiting: "waits for you" };

/** Returns the title or, if there is none, the time of the last change. */
export function shownTitle({ title, updated_at: at }: ConversationEntry): string {
  return visibleText(title) || new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

/** Gives the focus to the row of the conversation. */
export function focusRow(conversationId: string | undefined): void {
  const link = document.querySelector<HTMLElement>(`[data-conversation="${CSS.escape(conversationId ?? "")}"]`);
  (link ?? document.getElementById("new-chat"))?.focus();
}

export function ConversationRow({ entry, isOpen, isRenamed, onRenamed, onMenu }: ConversationRowProps) {
  const { conversation_id: id, state } = entry;
  if (isRenamed) {
    return (
      <li>
        <TitleField title={entry.title} onDone={onRenamed} />
      </li>
    );
  }
  const name = shownTitle(entry);
  const mark = state === "running" || state === "waiting" ? marks[state] : undefined;
  return (
    <li class="conversation">
      <a href={linkTo("chat", id)} data-conversation={id} aria-current={isOpen ? "page" : undefined} title={name}>
        <span class="name">{name}</span>
        {mark && (
          <span class={`mark ${state}`} title={mark}>
            <span class="unseen">, {mark}</span>
          </span>
        )}
      </a>
      <button type="button" class="more" popovertarget={menuId} aria-label={`More for ${name}`} onClick={onMenu}>
        ⋯
      </button>
    </li>
  );
}

function TitleField({ title, onDone }: { title: string; onDone: (title?: string) => void }) {
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => field.current?.select(), []); // at once, so that no key is lost
  const isDone = useRef(false); // the browser also reports that a field lost the focus when the field is removed
  const finish = (written?: string) => {
    if (isDone.current) return;
    isDone.current = true;
    onDone(written && written !== title ? written : undefined);
  };
  const save = () => finish(field.current?.value.trim());
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <input
        ref={field}
        aria-label="Title"
        maxLength={200}
        defaultValue={title}
        onBlur={save}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || event.isComposing) return;
          event.preventDefault();
          finish();
        }}
      />
    </form>
  );
}
