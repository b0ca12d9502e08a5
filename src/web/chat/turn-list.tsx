import { useSignal } from "@preact/signals";
import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { ConversationLog } from "../api/conversation-log.js";
import { Alert } from "../markdown/alert.js";
import { goTo, linkTo } from "../shared/page-address.js";
import type { ChatState } from "./chat-state.js";
import { EarlierTurns } from "./earlier-turns.js";
import { DeletedNotice, OnItsWay } from "./outgoing-messages.js";
import { runningTurn } from "./shown-conversation.js";
import { TurnView } from "./turn-view.js";

/** Distance from the end, in pixels, within which the user counts as being at the end of the text. */
const nearEnd = 60;

/** Number of turns from which on a conversation counts as long: then the browser lays out only the turns in view. */
const longFrom = 200;

interface TurnListProps {
  state: ChatState;
  conversationId: string;
  log: ConversationLog;
  /** Content of a conversation without turns. */
  children: ComponentChildren;
}

export function TurnList({ state, conversationId, log, children }: TurnListProps) {
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
  const lastSent = state.outgoing.messages.value.at(-1)?.requestId;
  useLayoutEffect(() => {
    const { current } = frame;
    if (!lastSent || !current) return;
    current.scrollTop = current.scrollHeight;
    isAtEnd.value = true;
  }, [lastSent]);
  const hasTurns = turns.length > 0;
  useEffect(() => {
    if (hasTurns) void state.loadVersions();
  }, [state, hasTurns]);
  const running = runningTurn(state.conversation.value);
  const isDeleted = state.outgoing.isDeleted.value;
  const outgoing = state.outgoing.messages.value.filter((message) => !isDeleted || message.state === "accepted");
  const next = outgoing.find((message) => message.state === "waiting");
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable element must be reachable by keyboard
    <section class="turns" aria-label="Conversation" tabIndex={0} ref={frame} onScroll={onScroll}>
      <div class={turns.length > longFrom ? "column long" : "column"} ref={content}>
        {log.hasEarlier.value && (turns.length > 0 || log.isCurrent.value) && <EarlierTurns log={log} frame={frame} />}
        {origin && (
          <p class="small quiet">
            A copy of <a href={linkTo("chat", origin)}>another conversation</a>
          </p>
        )}
        {turns.map((turn, index) => (
          <TurnView
            key={turn.turnId}
            turn={turn}
            state={state}
            isRunning={turn === running}
            isWaiting={!turn.end && turn !== running}
            hasActions={index >= turns.length - longFrom}
          />
        ))}
        {outgoing.map((message) => (
          <OnItsWay key={message.requestId} message={message} isNext={message === next} queue={state.outgoing} />
        ))}
        {isDeleted && (
          <DeletedNotice conversationId={conversationId} queue={state.outgoing} onStartAnew={() => goTo("chat")} />
        )}
        <Alert text={isDeleted ? undefined : log.failure.value?.error} />
        {children}
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
