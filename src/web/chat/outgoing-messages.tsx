/** Messages that the user has written and that are not in the log yet. */
import type { ApiFailure } from "../api/host-client.js";
import { draftOf, filesOf, keepDraft, keepFiles } from "../api/unsent.js";
import { MessageFiles, UserMessage } from "../attachments/user-message.js";
import { visibleText } from "../markdown/visible.js";
import type { OutgoingMessage, SendQueue } from "./send-queue.js";

interface OnItsWayProps {
  message: OutgoingMessage;
  /** True if this message is the one that is being sent. Later messages wait for it. */
  isNext: boolean;
  queue: SendQueue;
}

export function OnItsWay({ message, isNext, queue }: OnItsWayProps) {
  const { state, failure } = message;
  return (
    <div class="turn">
      <article class="asked" aria-label="You">
        <UserMessage text={message.text} files={message.files ?? []}>
          {state === "waiting" && <WaitingNote failure={failure} isNext={isNext} />}
        </UserMessage>
      </article>
      {state === "refused" && (
        <div class="card error" role="alert">
          <p>{visibleText(failure?.message ?? "")}</p>
          <div class="buttons">
            <button type="button" onClick={() => queue.sendAgain(message)}>
              Send again
            </button>
            <button type="button" onClick={() => queue.takeBack(message)}>
              Take back
            </button>
          </div>
        </div>
      )}
    </div>
  );
}

/** Says why a message is not sent yet. Says nothing about a message that is being sent for the first time. */
function WaitingNote({ failure, isNext }: { failure: ApiFailure | undefined; isNext: boolean }) {
  if (!isNext) return <p class="small quiet">It is sent after the message before it.</p>;
  if (!failure) return null;
  const reason = failure.status === 0 ? "The host does not answer" : `Not accepted yet: ${failure.message}`;
  return <p class="small quiet">{visibleText(reason)}; it is sent as soon as possible.</p>;
}

interface DeletedNoticeProps {
  conversationId: string;
  queue: SendQueue;
  /** Called when the user wants to write the unsent text in a new conversation. */
  onStartAnew: () => void;
}

/** Says that the conversation was deleted, and shows the text that was not sent. The user decides whether to send it elsewhere. */
export function DeletedNotice({ conversationId, queue, onStartAnew }: DeletedNoticeProps) {
  const unsent = queue.messages.value.filter(({ state }) => state !== "accepted");
  const texts = [...unsent.map(({ text }) => text), draftOf(conversationId)].filter((text) => text.trim() !== "");
  const files = [...unsent.flatMap((message) => message.files ?? []), ...filesOf(conversationId)];
  const startAnew = () => {
    keepDraft(undefined, [draftOf(undefined), ...texts].filter((text) => text.trim() !== "").join("\n\n"));
    keepDraft(conversationId, "");
    void keepFiles(undefined, [...filesOf(undefined), ...files]);
    void keepFiles(conversationId, []);
    queue.remove(new Set(unsent.map(({ requestId }) => requestId)));
    onStartAnew();
  };
  return (
    <div class="card error" role="alert">
      <p>This conversation was deleted. It takes no more messages.</p>
      {texts.length + files.length > 0 && (
        <>
          <p>What you wrote was not sent:</p>
          {texts.map((text) => (
            <p class="unsent">{visibleText(text)}</p>
          ))}
          {files.length > 0 && <MessageFiles files={files} />}
          <button type="button" onClick={startAnew}>
            Take it to a new chat
          </button>
        </>
      )}
    </div>
  );
}
