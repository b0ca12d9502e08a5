import { draftOf, keepDraft } from "../api/unsent.js";
import { visibleText } from "../markdown/visible.js";
import type { SendQueue } from "./send-queue.js";

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
  const startAnew = () => {
    keepDraft(undefined, [draftOf(undefined), ...texts].filter((text) => text.trim() !== "").join("\n\n"));
    keepDraft(conversationId, "");
    queue.remove(new Set(unsent.map(({ requestId }) => requestId)));
    onStartAnew();
  };
  return (
    <div class="card error" role="alert">
      <p>This conversation was deleted. It takes no more messages.</p>
      {texts.length > 0 && (
        <>
          <p>What you wrote was not sent:</p>
          {texts.map((text) => (
            <p class="unsent">{visibleText(text)}</p>
          ))}
          <button type="button" onClick={startAnew}>
            Take it to a new chat
          </button>
        </>
      )}
    </div>
  );
}
