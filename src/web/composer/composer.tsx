import { signal, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { type AttachedFile, refusedBy, type WrittenMessage } from "../api/attached-file.js";
import type { Api } from "../api/host-client.js";
import { chosenModel, draftOf, filesOf, keepChosenModel, keepDraft, keepFiles } from "../api/unsent.js";
import { MessageFiles } from "../attachments/user-message.js";
import type { ChatState } from "../chat/chat-state.js";
import { runningTurn } from "../chat/shown-conversation.js";
import { Alert } from "../markdown/alert.js";
import { Icon } from "../shared/icon.js";
import { onDemand } from "../shared/view-on-demand.js";

const OfferList = onDemand(async () => (await import("./offer-list.js")).OfferList);

interface ComposerProps {
  api: Api;
  state: ChatState;
  /** Undefined if the conversation has not begun yet. */
  conversationId: string | undefined;
}

export function Composer({ api, state, conversationId }: ComposerProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const text = useSignal(draftOf(conversationId));
  const files = useMemo(() => signal<readonly AttachedFile[]>(filesOf(conversationId)), []);
  /** Why files were not attached. */
  const problem = useSignal<string | undefined>(undefined);
  /** Settles when the files are read that were picked before. */
  const reading = useRef(Promise.resolve());
  /** Begun name of a prompt or a resource. */
  const begun = useSignal<string | undefined>(undefined);
  const isFirst = conversationId === undefined;
  const { turns } = state.conversation.value;
  const isRunning = runningTurn(state.conversation.value) !== undefined;
  const write = (written: string) => {
    text.value = written;
    keepDraft(conversationId, written);
  };
  const put = (attached: readonly AttachedFile[], found?: string) => {
    files.value = attached;
    problem.value = found;
    void keepFiles(conversationId, attached);
  };
  const attach = (picked: Iterable<File>) => {
    const all = [...picked]; // the browser empties the list after the event
    reading.current = reading.current.then(async () => {
      try {
        const { readFiles } = await import("../attachments/read-files.js");
        const read = await readFiles(all, files.value);
        // A file that is shown must survive a reload. Meanwhile the person may have removed another one, so `put` keeps the list again.
        await keepFiles(conversationId, [...files.value, ...read.files]);
        put([...files.value, ...read.files], read.problem);
      } catch {
        problem.value = "The files were not attached. Load the page again, then attach them once more.";
      }
    });
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
    write(suggested.text);
    put(suggested.files);
    field.current?.focus();
  });
  useDroppedFiles(attach);
  /** Puts what a server offers in place of its begun name. */
  const putOffered = (offered: WrittenMessage) => {
    const end = field.current?.selectionStart ?? text.value.length;
    const start = end - (begun.value ?? "").length;
    begun.value = undefined;
    write(text.value.slice(0, start) + offered.text + text.value.slice(end));
    put([...files.value, ...offered.files]);
    field.current?.focus();
  };
  const isEmpty = () => text.value.trim() === "" && files.value.length === 0;
  const byDefault = state.models.value.find(({ is_default }) => is_default);
  const answering = model ? state.models.value.find(({ id }) => id === model) : byDefault;
  const refusal = refusedBy(answering, files.value);
  const send = async () => {
    const known = problem.value;
    await reading.current;
    if (isEmpty() || refusedBy(answering, files.value) || problem.value !== known) return;
    keepChosenModel(conversationId, undefined);
    state.send({ text: text.value, files: files.value }, model || undefined);
    write("");
    put([]);
    begun.value = undefined;
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // With an input method (IME), Enter may finish a word. Such an Enter must not send the message.
    if (event.isComposing) return;
    const last = turns.at(-1);
    const isSending = event.key === "Enter" && !event.shiftKey;
    const isEditing = event.key === "ArrowUp" && text.value === "" && last;
    if (isSending) void send();
    else if (isEditing) state.editing.value = last.turnId;
    if (isSending || isEditing) event.preventDefault();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {files.value.length > 0 && (
        <MessageFiles
          files={files.value}
          onRemove={(file) => {
            put(files.value.filter((each) => each !== file));
            field.current?.focus();
          }}
        />
      )}
      <Alert text={refusal ?? problem.value} />
      {begun.value && field.current && (
        <OfferList
          key={begun.value[0]}
          api={api}
          field={field.current}
          begun={begun.value}
          onLoaded={putOffered}
          onClose={() => {
            begun.value = undefined;
          }}
        />
      )}
      <label class="unseen" for="message">
        Message
      </label>
      <textarea
        id="message"
        ref={field}
        rows={1}
        placeholder="Write a message, / for prompts, @ for resources"
        aria-describedby="message-keys"
        value={text.value}
        onInput={({ currentTarget }) => {
          write(currentTarget.value);
          begun.value = nameBefore(currentTarget);
        }}
        onKeyDown={onKeyDown}
        onPaste={(event) => {
          const { clipboardData } = event;
          // A program that copies text, such as a spreadsheet, adds a picture of the text.
          const isText = ["text/plain", "text/html"].every((type) => clipboardData?.types.includes(type));
          if (!clipboardData?.files.length || isText) return;
          event.preventDefault();
          attach(clipboardData.files);
        }}
      />
      <input
        ref={picker}
        type="file"
        multiple
        hidden
        onChange={({ currentTarget }) => {
          attach(currentTarget.files ?? []);
          currentTarget.value = ""; // so that the same file can be picked again
          field.current?.focus();
        }}
      />
      <div class="under">
        <button
          type="button"
          class="icon-button"
          aria-label="Attach"
          title="Pictures and text files; sound and PDFs if the model takes them"
          onClick={() => picker.current?.click()}
        >
          <Icon name="attach" />
        </button>
        <label class="model">
          <span class="unseen">Model</span>
          <select
            value={model}
            onChange={({ currentTarget }) => {
              chosen.value = currentTarget.value;
              keepChosenModel(conversationId, currentTarget.value);
            }}
          >
            <option value="">{byDefault ? `${byDefault.id} (default)` : "Default model"}</option>
            {[...new Set([...state.models.value.map(({ id }) => id), ...(model ? [model] : [])])].map((name) => (
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
        <button type="submit" class="main" disabled={isEmpty() || refusal !== undefined}>
          Send
        </button>
      </div>
    </form>
  );
}

/** Returns the begun name of a prompt or a resource before the caret, with its sign. */
function nameBefore({ value, selectionStart }: HTMLTextAreaElement): string | undefined {
  return /^\/\S*$|(?<=^|\s)@\S*$/.exec(value.slice(0, selectionStart))?.[0];
}

/** Attaches files that are dropped anywhere on the page. */
function useDroppedFiles(attach: (files: Iterable<File>) => void): void {
  const latest = useRef(attach);
  latest.current = attach;
  useEffect(() => {
    const onDrop = ({ dataTransfer }: DragEvent) => {
      if (dataTransfer?.files.length) latest.current(dataTransfer.files);
    };
    window.addEventListener("drop", onDrop);
    return () => window.removeEventListener("drop", onDrop);
  }, []);
}
