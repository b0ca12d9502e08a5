import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { chosenModel, draftOf, keepChosenModel, keepDraft } from "../api/unsent.js";
import type { ChatState } from "./chat-state.js";
import { runningTurn } from "./shown-conversation.js";

interface ComposerProps {
  state: ChatState;
  /** Undefined if the conversation has not begun yet. */
  conversationId: string | undefined;
}

export function Composer({ state, conversationId }: ComposerProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const text = useSignal(draftOf(conversationId));
  const isFirst = conversationId === undefined;
  const { turns } = state.conversation.value;
  const isRunning = runningTurn(state.conversation.value) !== undefined;
  const write = (written: string) => {
    text.value = written;
    keepDraft(conversationId, written);
  };
  const chosen = useSignal(chosenModel(conversationId));
  // A conversation continues with the model of its last message, unless another one is chosen.
  const model = chosen.value ?? turns.at(-1)?.model ?? "";
  useEffect(() => {
    if (isFirst) field.current?.focus();
  }, [isFirst]);
  useEffect(() => void state.loadModels(), [state]);
  useSignalEffect(() => {
    const suggested = state.suggestedDraft.value;
    if (suggested === undefined) return;
    state.suggestedDraft.value = undefined;
    write(suggested);
    field.current?.focus();
  });
  const send = () => {
    if (text.value.trim() === "") return;
    keepChosenModel(conversationId, undefined);
    state.send(text.value, model || undefined);
    write("");
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // With an input method (IME), Enter may finish a word. Such an Enter must not send the message.
    if (event.isComposing) return;
    const last = turns.at(-1);
    const isSending = event.key === "Enter" && !event.shiftKey;
    const isEditing = event.key === "ArrowUp" && text.value === "" && last;
    if (isSending) send();
    else if (isEditing) state.editing.value = last.turnId;
    if (isSending || isEditing) event.preventDefault();
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
            value={model}
            onChange={({ currentTarget }) => {
              chosen.value = currentTarget.value;
              keepChosenModel(conversationId, currentTarget.value);
            }}
          >
            <option value="">Model: as configured</option>
            {[...new Set([...state.models.value, ...(model ? [model] : [])])].map((name) => (
              <option value={name}>{name}</option>
            ))}
          </select>
        </label>
        <span id="message-keys" class="keys small quiet">
          {isRunning ? "Esc cancels the turn" : "Enter sends, Shift+Enter makes a line"}
        </span>
        {isRunning && (
          <button type="button" class="no" onClick={() => state.cancel()}>
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
