import type { TargetedFocusEvent, TargetedKeyboardEvent } from "preact";
import type { ConversationEntry } from "../api/host-messages.js";
import { visibleText } from "../markdown/visible.js";
import { ago } from "../shared/format-text.js";
import { placeLink } from "./page-address.js";

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

export function ConversationRow({ conversation, onFork, onExport, onDelete }: ConversationRowProps) {
  const { conversation_id: id, title, updated_at: at } = conversation;
  const name = visibleText(title) || "(no text)";
  return (
    <li class="conversation">
      <a class="open" href={placeLink("chat", id)}>
        {name}
      </a>
      <time class="small quiet" dateTime={new Date(at).toISOString()}>
        {ago(at, Date.now())}
      </time>
      <details class="menu" onFocusOut={closeBehind} onKeyDown={closeByEscape}>
        <summary aria-label={`More for ${name}`}>⋯</summary>
        <div class="card">
          <a class="button" href={placeLink("trace", id)}>
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
