import { useSignal } from "@preact/signals";
import { useLayoutEffect, useMemo } from "preact/hooks";
import type { StoredEvent } from "../../core/events.js";
import { historyChunks } from "../../doors/protocol/chunks.js";
import type { StoredMessage } from "../api/host-messages.js";
import { ConversationFold } from "../chat/fold-conversation.js";
import { visibleText } from "../markdown/visible.js";
import { TraceList } from "../trace/trace-list.js";

interface FileViewProps {
  conversationId: string;
  events: readonly StoredEvent[];
  /** Transcript in the exported file. The file shows it even if scripts do not run. */
  transcript: HTMLElement;
}

type FileTab = "transcript" | "trace";

const names: Record<FileTab, string> = { transcript: "Transcript", trace: "Trace" };

export function FileView({ conversationId, events, transcript }: FileViewProps) {
  const view = useSignal<FileTab>(window.location.hash === "#trace" ? "trace" : "transcript");
  const conversation = useMemo(() => {
    const messages = events.flatMap(historyChunks);
    return new ConversationFold().add(messages as StoredMessage[]);
  }, [events]);
  useLayoutEffect(() => {
    transcript.hidden = view.value !== "transcript";
  }, [view.value]);
  return (
    <>
      <nav class="segments file-views" aria-label="Views">
        {(["transcript", "trace"] as const).map((each) => (
          <button
            type="button"
            aria-pressed={view.value === each}
            onClick={() => {
              view.value = each;
            }}
          >
            {names[each]}
          </button>
        ))}
      </nav>
      {view.value === "trace" && (
        <section class="page">
          <h1>{visibleText(`Conversation ${conversationId}`)}</h1>
          <TraceList conversation={conversation} />
        </section>
      )}
    </>
  );
}
