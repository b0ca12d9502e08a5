import type { Api } from "../api/client.js";
import type { ConversationLog } from "../api/conversation-log.js";

export interface TraceProps {
  api: Api;
  conversationId: string;
  /** `stored` is what `/api/sessions/ID/events` gives; `listen` tells of it, and of what is happening, as it comes. */
  log: ConversationLog;
}

export function TraceView({ conversationId, log }: TraceProps) {
  return (
    <section class="page">
      <h1>Trace</h1>
      <p class="quiet">
        {conversationId} has {log.stored.value.length} messages in the log. The waterfall is not shown here yet.
      </p>
    </section>
  );
}
