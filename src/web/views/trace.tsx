import "../styles/trace.css";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { ConversationLog } from "../api/conversation-log.js";
import type { Api } from "../api/host-client.js";
import { ChatState } from "../chat/chat-state.js";
import { EarlierTurns } from "../chat/earlier-turns.js";
import type { Turn } from "../chat/shown-conversation.js";
import { Alert } from "../markdown/alert.js";
import { linkTo } from "../shared/page-address.js";
import { TraceList } from "../trace/trace-list.js";

export interface TraceProps {
  api: Api;
  conversationId: string;
  log: ConversationLog;
  /** The turn that is shown first. */
  turnId: string | undefined;
}

export function TraceView({ api, conversationId, log, turnId }: TraceProps) {
  const state = useMemo(() => new ChatState({ api, conversationId, log, onBegun: () => {} }), [log]);
  // Not later than the first view of the log, because the state would miss what arrives between the two.
  useLayoutEffect(() => state.watch(), [state]);
  const { conversation, live } = state;
  const { turns } = conversation.value;
  useFirstShown(log, turnId, turns);
  return (
    <section class="page trace">
      <header class="title">
        <h1>Trace</h1>
        {turns.length > 0 && (
          <a class="button" href={linkTo("chat", conversationId)}>
            Chat
          </a>
        )}
      </header>
      <Alert text={log.failure.value?.error} />
      {turns.length === 0 ? (
        <p class="quiet">Nothing has happened here. Choose a conversation in the sidebar.</p>
      ) : (
        <>
          {log.hasEarlier.value && <EarlierTurns log={log} />}
          <TraceList
            conversation={conversation.value}
            happening={{ live, skewMs: log.skewMs }}
            isPart={log.hasEarlier.value}
          />
        </>
      )}
    </section>
  );
}

/** Scrolls to the turn once it is there. Loads earlier turns until it is. */
function useFirstShown(log: ConversationLog, turnId: string | undefined, turns: readonly Turn[]): void {
  const isDone = useRef(turnId === undefined);
  useEffect(() => {
    if (isDone.current || turns.length === 0) return;
    const index = turns.findIndex((turn) => turn.turnId === turnId);
    isDone.current = index >= 0 || !log.hasEarlier.value;
    if (isDone.current) document.querySelectorAll(".trace-turn")[index]?.scrollIntoView();
    else log.loadEarlier().catch(() => {}); // the button for earlier turns says why it cannot load them
  }, [log, turnId, turns]);
}
