import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

interface ComposerProps {
  models: readonly string[];
  isRunning: boolean;
  /** Whether it is where the person begins. */
  isFirst: boolean;
  onSend: (text: string, model: string | undefined) => void;
  onCancel: () => void;
}

/** So far the field grows with its text. */
const mostHeightPx = 220;

export function Composer({ models, isRunning, isFirst, onSend, onCancel }: ComposerProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const text = useSignal("");
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
    text.value = "";
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // The Enter that ends a word of an input method is none.
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
        onInput={({ currentTarget }) => {
          text.value = currentTarget.value;
        }}
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
