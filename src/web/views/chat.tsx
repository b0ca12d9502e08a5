import { useComputed } from "@preact/signals";
import { useCallback, useLayoutEffect, useMemo } from "preact/hooks";
import type { ConversationList } from "../api/conversation-list.js";
import type { ConversationLog } from "../api/conversation-log.js";
import type { Api } from "../api/host-client.js";
import type { HostSocket } from "../api/socket.js";
import { Announcer } from "../chat/announcer.js";
import { ChatState } from "../chat/chat-state.js";
import { QuestionsAboveField } from "../chat/question-card.js";
import { runningTurn, type ShownConversation } from "../chat/shown-conversation.js";
import { Timeline } from "../chat/timeline.js";
import { TurnList } from "../chat/turn-list.js";
import { Composer } from "../composer/composer.js";
import { visibleText } from "../markdown/visible.js";
import { ConversationTools } from "../servers/conversation-tools.js";
import { Icon } from "../shared/icon.js";
import { linkTo } from "../shared/page-address.js";
import { useCommands } from "../shared/page-commands.js";
import { storedChoice } from "../shared/stored-choice.js";
import { useEscape } from "../shared/use-escape.js";
import { shownTitle } from "../sidebar/conversation-row.js";
import { StartScreen } from "./start-screen.js";

/** The panel with what the turn does. It stays as the person left it. */
const panel = storedChoice("turn-panel", ["folded", "shown"]);

export interface ChatProps {
  api: Api;
  socket: HostSocket;
  conversationId: string;
  log: ConversationLog;
  list: ConversationList;
  isNew: boolean;
  onBegun: () => void;
}

export function ChatView({ api, socket, conversationId, log, list, isNew, onBegun }: ChatProps) {
  const state = useMemo(() => new ChatState({ api, conversationId, log, onBegun }), [log]);
  // Not later than the first view of the log, because the state would miss what arrives between the two.
  useLayoutEffect(() => state.watch(), [state]);
  const running = useComputed(() => runningTurn(state.conversation.value));
  const shown = useComputed(() => running.value ?? state.conversation.value.turns.at(-1));
  const isRunning = useComputed(() => running.value !== undefined);
  const isEmpty = useComputed(() => {
    const count = state.conversation.value.turns.length + state.outgoing.messages.value.length;
    return count === 0 && !log.hasEarlier.value;
  });
  useCommands(() => (isRunning.value ? [{ name: "Cancel the turn", keys: "Esc", run: () => state.cancel() }] : []));
  useEscape(useCallback(() => state.cancel(), [state]));
  const entry = list.find(conversationId);
  const title = useComputed(() => visibleText(firstText(log, state.conversation.value).slice(0, 80)));
  if (log.isMissing.value && state.outgoing.messages.value.length === 0) return <NoConversation />;
  const isBeside = panel.value === "shown";
  return (
    <div class={`chat${isBeside ? " beside" : ""}`}>
      <header>
        <h1>{entry ? shownTitle(entry) : title}</h1>
        <LinkNote socket={socket} />
        <ConversationTools api={api} conversationId={conversationId} />
        <button
          type="button"
          class="icon-button"
          aria-label="This turn"
          aria-expanded={isBeside}
          onClick={() => {
            panel.value = isBeside ? "folded" : "shown";
          }}
        >
          <Icon name="panel" />
          <span class="label">This turn</span>
        </button>
      </header>
      <h2 class="unseen">Messages</h2>
      <TurnList state={state} conversationId={conversationId} log={log}>
        {isEmpty.value && (isNew || log.isCurrent.value) && <StartScreen api={api} state={state} />}
      </TurnList>
      <div class="foot">
        <QuestionsAboveField state={state} />
        {state.failure.value && (
          <p class="small bad" role="alert">
            {visibleText(state.failure.value)}
          </p>
        )}
        {!state.outgoing.isDeleted.value && (
          <Composer api={api} state={state} conversationId={isNew ? undefined : conversationId} />
        )}
      </div>
      {isBeside && (
        <aside class="now" aria-label="This turn">
          <h2>{isRunning.value ? "This turn" : "Last turn"}</h2>
          {shown.value ? (
            <>
              <Timeline key={shown.value.turnId} turn={shown.value} live={state.live} skewMs={log.skewMs} />
              <a class="small" href={linkTo("trace", conversationId, shown.value.turnId)}>
                Trace of this turn
              </a>
            </>
          ) : (
            <p class="small quiet">What a turn does, and how long it takes, is shown here.</p>
          )}
        </aside>
      )}
      <Announcer state={state} />
    </div>
  );
}

/** Content of the address of a conversation that does not exist. */
function NoConversation() {
  return (
    <section class="page">
      <h1>There is no such conversation</h1>
      <p class="quiet">It was deleted, or its address was not copied completely.</p>
      <p>
        <a class="button" href={linkTo("chat")}>
          Begin a new one
        </a>
      </p>
    </section>
  );
}

/** Returns the text of the first message, or another title if there is none or it is not loaded yet. */
function firstText({ hasEarlier, beginning }: ConversationLog, { turns }: ShownConversation): string {
  if (!hasEarlier.value) return turns[0]?.text || turns[0]?.files[0]?.name || "New chat";
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
