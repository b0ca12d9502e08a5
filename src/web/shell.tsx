import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { ConversationLog } from "./api/conversation-log.js";
import type { Api } from "./api/host-client.js";
import type { HostSocket } from "./api/socket.js";
import { address, lastConversation, linkTo, type PageAddress, settle, type View } from "./shared/page-address.js";
import { ChatView } from "./views/chat.js";
import { ConversationsView } from "./views/conversations.js";
import { ServersView } from "./views/servers.js";
import { TokenForm } from "./views/sign-in.js";
import { TraceView } from "./views/trace.js";
import { UsageView } from "./views/usage.js";

interface ShellProps {
  api: Api;
  socket: HostSocket;
}

const tabs: readonly { view: View; label: string; icon: string }[] = [
  { view: "chat", label: "Chat", icon: "M4 5h16v11H9l-5 4z" },
  { view: "conversations", label: "Conversations", icon: "M4 6h16M4 12h16M4 18h10" },
  { view: "trace", label: "Trace", icon: "M4 6h9M8 12h9M12 18h8" },
  { view: "servers", label: "Servers", icon: "M4 5h16v6H4zM4 13h16v6H4zM8 8h.01M8 16h.01" },
  { view: "usage", label: "Usage", icon: "M5 20V10M12 20V4M19 20v-7" },
];

export function Shell({ api, socket }: ShellProps) {
  const { view } = address.value;
  const title = tabs.find((tab) => tab.view === view)?.label ?? "";
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = `${title} – MCP-Platform`;
    // Focuses the new view, so that a screen reader announces it. A field of the view may already have the focus; then the focus is not
    // changed.
    const { activeElement } = document;
    if (!isFirst.current && !activeElement?.closest("main")) document.getElementById("main")?.focus();
    isFirst.current = false;
  }, [title]);
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        Skip to the content
      </button>
      <nav class="rail" aria-label="Views">
        <p class="brand">MCP-Platform</p>
        <ul>
          {tabs.map((tab) => (
            <li key={tab.view}>
              <a
                href={linkTo(tab.view, isOfOne(tab.view) ? lastConversation.value : undefined)}
                aria-current={tab.view === view ? "page" : undefined}
              >
                <svg viewBox="0 0 24 24" aria-hidden="true">
                  <path d={tab.icon} />
                </svg>
                <span>{tab.label}</span>
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <main id="main" tabIndex={-1}>
        {api.isRefused.value ? <TokenForm api={api} /> : viewOf(address.value, { api, socket })}
      </main>
    </>
  );
}

function viewOf(at: PageAddress, { api, socket }: ShellProps): ComponentChildren {
  switch (at.view) {
    case "conversations":
      return <ConversationsView api={api} />;
    case "servers":
      return <ServersView api={api} />;
    case "usage":
      return <UsageView api={api} />;
    case "trace":
    case "chat":
      return <OpenConversation address={at} api={api} socket={socket} />;
  }
}

interface OpenProps extends ShellProps {
  address: PageAddress;
}

/** Shows a conversation in the chat or as a trace. Both views read the same log. */
function OpenConversation({ address: { view, conversationId, isNew }, api, socket }: OpenProps) {
  const log = useMemo(() => new ConversationLog({ api, conversationId, isNew }), [conversationId]);
  useEffect(() => (isNew ? undefined : log.open(socket)), [log, socket, isNew]);
  const shared = { api, conversationId, log };
  // Preact does not look for a key in spread properties, so the key is given separately.
  if (view === "trace") return <TraceView key={conversationId} {...shared} />;
  return <ChatView key={conversationId} {...shared} socket={socket} isNew={isNew} onBegun={settle} />;
}

function isOfOne(view: View): boolean {
  return view === "chat" || view === "trace";
}
