import { useEffect, useMemo } from "preact/hooks";
import type { ConversationLog } from "../api/conversation-log.js";
import type { Api } from "../api/host-client.js";
import { ChatState } from "../chat/chat-state.js";
import { EarlierTurns } from "../chat/earlier-turns.js";
import { Alert } from "../markdown/alert.js";
import { linkTo } from "../shared/page-address.js";
import { TraceList } from "../trace/trace-list.js";

export interface TraceProps {
  api: Api;
  conversationId: string;
  log: ConversationLog;
}

export function TraceView({ api, conversationId, log }: TraceProps) {
  const state = useMemo(() => new ChatState({ api, conversationId, log, onBegun: () => {} }), [log]);
  useEffect(() => state.watch(), [state]);
  const { conversation, live } = state;
  const { turns } = conversation.value;
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
        <p class="quiet">
          Nothing has happened here. Choose a conversation among <a href={linkTo("conversations")}>all of them</a>.
        </p>
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
