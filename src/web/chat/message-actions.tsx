/** The actions of a person on messages, and the time and cost of an answer. */
import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { elapsedText } from "../../core/text/durations.js";
import { messageText } from "../api/attached-file.js";
import { MessageFiles } from "../attachments/user-message.js";
import { CopyButton } from "../markdown/code-block.js";
import { visibleText } from "../markdown/visible.js";
import { counted } from "../shared/format-text.js";
import { goTo } from "../shared/page-address.js";
import { useBusy } from "../shared/use-busy.js";
import type { ChatState } from "./chat-state.js";
import { modelOf, type Turn } from "./shown-conversation.js";
import { spentText } from "./timeline.js";
import { versionsOf } from "./turn-versions.js";

interface ActionsProps {
  turn: Turn;
  state: ChatState;
}

export function MessageActions({ turn, state }: ActionsProps) {
  const versions = versionsOf(turn, state.versions.value);
  const own = versions.findIndex(({ isOwn }) => isOwn);
  const step = (by: number, label: string, sign: string) => {
    const version = versions[own + by];
    return (
      <button
        type="button"
        class="plain"
        aria-label={label}
        disabled={!version}
        onClick={() => version && goTo("chat", version.conversationId)}
      >
        {sign}
      </button>
    );
  };
  return (
    <div class="actions">
      {versions.length > 1 && (
        <span class="small quiet">
          {step(-1, "Previous version", "‹")} {own + 1}/{versions.length} {step(1, "Next version", "›")}
        </span>
      )}
      <CopyButton text={messageText(turn)} />
      <button
        type="button"
        class="plain"
        onClick={() => {
          state.editing.value = turn.turnId;
        }}
      >
        Edit
      </button>
    </div>
  );
}

export function AnswerActions({ turn, state }: ActionsProps) {
  const answers = turn.items.flatMap((item) => (item.kind === "answer" && item.text ? [item.text] : []));
  const isSure = useSignal(false);
  return (
    <div class="actions">
      {answers.length > 0 && <CopyButton text={answers.join("\n\n")} />}
      <button type="button" class="plain" onClick={() => void state.replace(turn, turn)}>
        Answer again
      </button>
      <OtherModels turn={turn} state={state} />
      <button type="button" class="plain" onClick={() => void state.forkAfter(turn)}>
        Fork from here
      </button>
      <button
        type="button"
        class={isSure.value ? "plain bad" : "plain"}
        onBlur={() => {
          isSure.value = false;
        }}
        onClick={() => {
          if (isSure.value) void state.takeBack(turn);
          isSure.value = !isSure.value;
        }}
      >
        {isSure.value ? takeBackQuestion(turn, state) : "Take back"}
      </button>
      <span class="facts small quiet">
        {visibleText(modelOf(turn))} · {elapsedText(turn.at - turn.startedAt)}
        {spentText(turn)}
      </span>
    </div>
  );
}

function takeBackQuestion({ seq }: Turn, state: ChatState): string {
  const later = state.conversation.peek().turns.filter((turn) => turn.seq > seq).length;
  return later === 0 ? "Take this turn back?" : `Take back this and ${counted(later, "later turn")}?`;
}

/** A menu of the models that can answer instead. */
function OtherModels({ turn, state }: ActionsProps) {
  const id = useId();
  const isOpen = useSignal(false);
  const models = state.models.value.map(({ id: name }) => name);
  if (models.length === 0) return null;
  return (
    <>
      <button type="button" class="plain" popovertarget={id} aria-label="Answer again by another model">
        by…
      </button>
      <div
        id={id}
        popover="auto"
        class="menu"
        onToggle={({ newState }) => {
          isOpen.value = newState === "open";
        }}
      >
        {isOpen.value &&
          models.map((model) => (
            <button type="button" class="plain" onClick={() => void state.replace(turn, { ...turn, model })}>
              {model}
            </button>
          ))}
      </div>
    </>
  );
}

/** Field for another text of a message. The turns from this message on are replaced in a version of the conversation. */
export function EditMessage({ turn, state }: ActionsProps) {
  const text = useSignal(turn.text);
  const files = useSignal(turn.files);
  const close = () => {
    state.editing.value = undefined;
    document.getElementById("message")?.focus();
  };
  // The form stays with its text until the host has the message.
  const { isBusy, run: send } = useBusy(async () => {
    if (text.value.trim() === "" && files.value.length === 0) return;
    const isSent = await state.replace(turn, { text: text.value, files: files.value, model: turn.model });
    if (isSent) state.editing.value = undefined;
  });
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    const isSending = event.key === "Enter" && !event.shiftKey;
    if (isSending) void send();
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  };
  return (
    <form
      class="edit"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <textarea
        aria-label="Edit the message"
        ref={(field) => field?.focus()}
        value={text.value}
        onInput={({ currentTarget }) => {
          text.value = currentTarget.value;
        }}
        onKeyDown={onKeyDown}
      />
      {files.value.length > 0 && (
        <MessageFiles
          files={files.value}
          onRemove={(file) => {
            files.value = files.value.filter((each) => each !== file);
          }}
        />
      )}
      <div class="buttons">
        <button type="submit" class="main" disabled={isBusy}>
          Send again
        </button>
        <button type="button" onClick={close}>
          Keep as it is
        </button>
      </div>
    </form>
  );
}
