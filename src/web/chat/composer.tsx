import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { draftOf, keepDraft } from "../api/unsent.js";

interface ComposerProps {
  /** Undefined if the conversation has not begun yet. */
  conversationId: string | undefined;
  models: readonly string[];
  isRunning: boolean;
  onSend: (text: string, model: string | undefined) => void;
  onCancel: () => void;
}

const mostHeightPx = 220;

export function Composer({ conversationId, models, isRunning, onSend, onCancel }: ComposerProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const text = useSignal(draftOf(conversationId));
  const isFirst = conversationId === undefined;
  const write = (written: string) => {
    text.value = written;
    keepDraft(conversationId, written);
  };
  const model = useSignal("");
  useEffect(() => {
    if (isFirst) field.current?.focus();
  }, [isFirst]);
  useEffect(() => {
    const { current } = field;
    if (!current) return;
    current.style.height = "auto";
    current.style.height = `${Math.min(current.scrollHeight + 2, mostHeightPx)}px`;
  }, [text.value]);
  const send = () => {
    if (text.value.trim() === "") return;
    onSend(text.value, model.value || undefined);
    write("");
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // With an input method (IME), Enter may finish a word. Such an Enter must not send the message.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <label class="unseen" for="message">
        Message
      </label>
      <textarea
        id="message"
        ref={field}
        rows={1}
        placeholder="Write a message"
        aria-describedby="message-keys"
        value={text.value}
        onInput={({ currentTarget }) => write(currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <div class="under">
        <label class="model">
          <span class="unseen">Model</span>
          <select
            value={model.value}
            onChange={({ currentTarget }) => {
              model.value = currentTarget.value;
            }}
          >
            <option value="">Model: as configured</option>
            {models.map((name) => (
              <option value={name}>{name}</option>
            ))}
          </select>
        </label>
        <span id="message-keys" class="keys small quiet">
          {isRunning ? "Esc cancels the turn" : "Enter sends, Shift+Enter makes a line"}
        </span>
        {isRunning && (
          <button type="button" class="no" onClick={onCancel}>
            Cancel
          </button>
        )}
        <button type="submit" class="main" disabled={text.value.trim() === ""}>
          Send
        </button>
      </div>
    </form>
  );
}
