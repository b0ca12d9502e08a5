import { useComputed, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { ConversationLog } from "../api/conversation-log.js";
import type { Api } from "../api/host-client.js";
import type { HostSocket } from "../api/socket.js";
import { Announcer } from "../chat/announcer.js";
import { ChatState } from "../chat/chat-state.js";
import { Composer } from "../chat/composer.js";
import { EarlierTurns } from "../chat/earlier-turns.js";
import { DeletedNotice, OnItsWay } from "../chat/outgoing-messages.js";
import { runningTurn, type ShownConversation } from "../chat/shown-conversation.js";
import { Timeline } from "../chat/timeline.js";
import { TurnView } from "../chat/turn-view.js";
import { Alert } from "../markdown/alert.js";
import { visibleText } from "../markdown/visible.js";
import { goTo, linkTo } from "./page-address.js";

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
  const models = useModels(api);
  const running = useComputed(() => runningTurn(state.conversation.value));
  const shown = useComputed(() => running.value ?? state.conversation.value.turns.at(-1));
  const isRunning = useComputed(() => running.value !== undefined);
  const isEmpty = useComputed(() => {
    const count = state.conversation.value.turns.length + state.outgoing.messages.value.length;
    return count === 0 && !log.hasEarlier.value;
  });
  useEffect(() => {
    const cancel = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !event.defaultPrevented && running.value) state.cancel();
    };
    document.addEventListener("keydown", cancel);
    return () => document.removeEventListener("keydown", cancel);
  }, [state, running]);
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
      <TurnList
        state={state}
        conversationId={conversationId}
        isEmpty={isEmpty.value && (isNew || log.isCurrent.value)}
        log={log}
      />
      <div class="foot">
        {state.failure.value && (
          <p class="small bad" role="alert">
            {visibleText(state.failure.value)}
          </p>
        )}
        {!state.outgoing.isDeleted.value && (
          <Composer
            conversationId={isNew ? undefined : conversationId}
            models={models}
            isRunning={isRunning.value}
            onSend={(text, model) => state.send(text, model)}
            onCancel={() => state.cancel()}
          />
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

/** Distance from the end, in pixels, within which the user counts as being at the end of the text. */
const nearEnd = 60;

interface TurnListProps {
  state: ChatState;
  conversationId: string;
  isEmpty: boolean;
  log: ConversationLog;
}

function TurnList({ state, conversationId, isEmpty, log }: TurnListProps) {
  const frame = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const isAtEnd = useSignal(true);
  useEffect(() => {
    const { current } = frame;
    if (!current || !content.current) return undefined;
    const observer = new ResizeObserver(() => {
      if (isAtEnd.value) current.scrollTop = current.scrollHeight;
    });
    observer.observe(content.current);
    observer.observe(current);
    return () => observer.disconnect();
  }, [isAtEnd]);
  const onScroll = () => {
    const { current } = frame;
    if (current) isAtEnd.value = current.scrollHeight - current.scrollTop - current.clientHeight < nearEnd;
  };
  const { turns, origin } = state.conversation.value;
  useSteadyScroll(frame, turns[0]?.turnId);
  useSearchOfAll(log);
  const running = runningTurn(state.conversation.value);
  const isDeleted = state.outgoing.isDeleted.value;
  const outgoing = state.outgoing.messages.value.filter((message) => !isDeleted || message.state === "accepted");
  const next = outgoing.find((message) => message.state === "waiting");
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable element must be reachable by keyboard
    <section class="turns" aria-label="Conversation" tabIndex={0} ref={frame} onScroll={onScroll}>
      <div class="column" ref={content}>
        {log.hasEarlier.value && (turns.length > 0 || log.isCurrent.value) && <EarlierTurns log={log} frame={frame} />}
        {origin && (
          <p class="small quiet">
            A copy of <a href={linkTo("chat", origin)}>another conversation</a>
          </p>
        )}
        {turns.map((turn) => (
          <TurnView
            key={turn.turnId}
            turn={turn}
            state={state}
            isRunning={turn === running}
            isWaiting={!turn.end && turn !== running}
          />
        ))}
        {outgoing.map((message) => (
          <OnItsWay key={message.requestId} message={message} isNext={message === next} queue={state.outgoing} />
        ))}
        {isDeleted && (
          <DeletedNotice conversationId={conversationId} queue={state.outgoing} onStartAnew={() => goTo("chat")} />
        )}
        <Alert text={isDeleted ? undefined : log.failure.value?.error} />
        {isEmpty && (
          <div class="welcome">
            <p class="lead">What can I do for you?</p>
            <p class="quiet">The model has the tools of your servers. You are asked before one changes anything.</p>
          </div>
        )}
      </div>
      {!isAtEnd.value && (
        <button
          type="button"
          class="to-end small"
          onClick={() => frame.current?.scrollTo({ top: frame.current.scrollHeight })}
        >
          To the end
        </button>
      )}
    </section>
  );
}

/** Keeps the turns that the user sees in their place when turns are added above them. `firstId` is the id of the first turn. */
function useSteadyScroll(frame: RefObject<HTMLElement | null>, firstId: string | undefined): void {
  const shown = useRef(firstId);
  const anchor = shown.current === firstId ? null : frame.current?.querySelector(".turn");
  const topBefore = anchor?.getBoundingClientRect().top ?? 0;
  useLayoutEffect(() => {
    shown.current = firstId;
    if (!anchor || !frame.current) return;
    frame.current.scrollTop += anchor.getBoundingClientRect().top - topBefore;
  }, [firstId]);
}

/** Loads the whole conversation when the user begins to search in the page, since a browser searches only what the page has. */
function useSearchOfAll(log: ConversationLog): void {
  useEffect(() => {
    const onKeyDown = ({ key, ctrlKey, metaKey }: KeyboardEvent) => {
      if (key !== "F3" && !((ctrlKey || metaKey) && key.toLowerCase() === "f")) return;
      log.loadAll().catch(() => {}); // the button for earlier turns stays, and says why it cannot load them
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [log]);
}

function LinkNote({ socket }: { socket: HostSocket }) {
  if (socket.state.value === "open") return null;
  return (
    <p class="link small" role="status">
      {socket.state.value === "connecting" ? "Connecting…" : "The host cannot be reached; trying again"}
    </p>
  );
}

function useModels(api: Api): readonly string[] {
  const models = useSignal<readonly string[]>([]);
  useEffect(() => {
    const left = new AbortController();
    api.models(left.signal).then(
      (names) => {
        models.value = names;
      },
      () => {}, // if the models cannot be loaded, only the configured model is offered
    );
    return () => left.abort();
  }, [api]);
  return models.value;
}
