import { useComputed } from "@preact/signals";
import { useCallback, useEffect, useMemo } from "preact/hooks";
import type { ConversationLog } from "../api/conversation-log.js";
import type { Api } from "../api/host-client.js";
import type { HostSocket } from "../api/socket.js";
import { Announcer } from "../chat/announcer.js";
import { ChatState } from "../chat/chat-state.js";
import { Composer } from "../chat/composer.js";
import { OpenQuestions } from "../chat/question-card.js";
import { runningTurn, type ShownConversation } from "../chat/shown-conversation.js";
import { Timeline } from "../chat/timeline.js";
import { TurnList } from "../chat/turn-list.js";
import { useEscape } from "../chat/use-escape.js";
import { visibleText } from "../markdown/visible.js";
import { linkTo } from "../shared/page-address.js";

export interface ChatProps {
  api: Api;
  socket: HostSocket;
  conversationId: string;
  log: ConversationLog;
  isNew: boolean;
  onBegun: () => void;
}

export function ChatView({ api, socket, conversationId, log, isNew, onBegun }: ChatProps) {
  const state = useMemo(() => new ChatState({ api, conversationId, log, onBegun }), [log]);
  useEffect(() => state.watch(), [state]);
  const running = useComputed(() => runningTurn(state.conversation.value));
  const shown = useComputed(() => running.value ?? state.conversation.value.turns.at(-1));
  const isRunning = useComputed(() => running.value !== undefined);
  const isEmpty = useComputed(() => {
    const count = state.conversation.value.turns.length + state.outgoing.messages.value.length;
    return count === 0 && !log.hasEarlier.value;
  });
  useEscape(useCallback(() => state.cancel(), [state]));
  const title = useComputed(() => visibleText(firstText(log, state.conversation.value).slice(0, 80)));
  return (
    <div class="chat">
      <header>
        <h1>{title}</h1>
        <LinkNote socket={socket} />
        {!isNew && <a href={linkTo("trace", conversationId)}>Trace</a>}
        <a class="button" href={linkTo("chat")}>
          New chat
        </a>
      </header>
      <TurnList state={state} conversationId={conversationId} log={log}>
        {isEmpty.value && (isNew || log.isCurrent.value) && (
          <div class="welcome">
            <p class="lead">What can I do for you?</p>
            <p class="quiet">The model has the tools of your servers. You are asked before one changes anything.</p>
          </div>
        )}
      </TurnList>
      <div class="foot">
        <OpenQuestions state={state} />
        {state.failure.value && (
          <p class="small bad" role="alert">
            {visibleText(state.failure.value)}
          </p>
        )}
        {!state.outgoing.isDeleted.value && (
          <Composer state={state} conversationId={isNew ? undefined : conversationId} />
        )}
      </div>
      <details class="now" ref={openIfBeside}>
        <summary>
          <h2>{isRunning.value ? "This turn" : "Last turn"}</h2>
        </summary>
        {shown.value ? (
          <Timeline key={shown.value.turnId} turn={shown.value} live={state.live} skewMs={log.skewMs} />
        ) : (
          <p class="small quiet">What a turn does, and how long it takes, is shown here.</p>
        )}
      </details>
      <Announcer state={state} />
    </div>
  );
}

/** Opens the panel when it appears, if the style sheet puts it beside the conversation. Later the person opens and closes it. */
function openIfBeside(panel: HTMLDetailsElement | null): void {
  if (panel) panel.open = getComputedStyle(panel).getPropertyValue("--turn-panel") === "beside";
}

/** Returns the text of the first message, or another title if there is none or it is not loaded yet. */
function firstText({ hasEarlier, beginning }: ConversationLog, { turns }: ShownConversation): string {
  if (!hasEarlier.value) return turns[0]?.text || "New chat";
  for (const { chunk } of beginning.value) if (chunk.type === "user_message") return chunk.data || "Chat";
  return "Chat";
}

function LinkNote({ socket }: { socket: HostSocket }) {
  if (socket.state.value === "open") return null;
  return (
    <p class="link small" role="status">
      {socket.state.value === "connecting" ? "Connecting…" : "The host cannot be reached; trying again"}
    </p>
  );
}
