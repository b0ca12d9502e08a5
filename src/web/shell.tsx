import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { ConversationList } from "./api/conversation-list.js";
import { ConversationLog } from "./api/conversation-log.js";
import type { Api } from "./api/host-client.js";
import type { HostSocket } from "./api/socket.js";
import { Icon } from "./shared/icon.js";
import { address, linkTo, type PageAddress, settle, type View } from "./shared/page-address.js";
import { isPaletteOpen, usePageKeys } from "./shared/page-commands.js";
import { onDemand } from "./shared/view-on-demand.js";
import { showWaiting, titleTab } from "./sidebar/attention.js";
import { shownTitle } from "./sidebar/conversation-row.js";
import { isSidebarOver, isSidebarShown, Sidebar, toggleSidebar } from "./sidebar/sidebar.js";
import { ChatView } from "./views/chat.js";
import { TokenForm } from "./views/sign-in.js";

interface ShellProps {
  api: Api;
  socket: HostSocket;
}

const ServersView = onDemand(async () => (await import("./views/servers.js")).ServersView);
const UsageView = onDemand(async () => (await import("./views/usage.js")).UsageView);
const TraceView = onDemand(async () => (await import("./views/trace.js")).TraceView);
const SettingsView = onDemand(async () => (await import("./views/settings.js")).SettingsView);
const Palette = onDemand(async () => (await import("./palette/palette.js")).Palette);

const titles: Record<Exclude<View, "chat">, string> = {
  trace: "Trace",
  servers: "Servers",
  usage: "Usage",
  settings: "Settings",
};

export function Shell({ api, socket }: ShellProps) {
  const list = useMemo(() => new ConversationList(api), [api]);
  useEffect(() => socket.follow(list), [list, socket]);
  useEffect(() => showWaiting(list), [list]);
  const { view, conversationId } = address.value;
  usePageKeys();
  const isFirst = useRef(true);
  useEffect(() => {
    // Focuses the new view, so that a screen reader announces it. A field of the view may already have the focus; then the focus is not
    // changed.
    const { activeElement } = document;
    if (!isFirst.current && !activeElement?.closest("main, .undo")) document.getElementById("main")?.focus();
    isFirst.current = false;
  }, [view, conversationId]);
  if (api.isRefused.value) {
    return (
      <main id="main" class="alone">
        <TokenForm api={api} />
      </main>
    );
  }
  return (
    <>
      <TabTitle list={list} />
      <Sidebar api={api} list={list} />
      {isSidebarOver.value && <div class="scrim" onPointerDown={toggleSidebar} />}
      <main id="main" tabIndex={-1} inert={isSidebarOver.value}>
        {!isSidebarShown.value && (
          <div class="unfold">
            <button
              type="button"
              id="show-sidebar"
              class="icon-button"
              aria-label="Show the sidebar"
              onClick={toggleSidebar}
            >
              <Icon name="sidebar" />
            </button>
            <a class="icon-button" href={linkTo("chat")} aria-label="New chat">
              <Icon name="write" />
            </a>
          </div>
        )}
        {viewOf(address.value, { api, socket, list })}
      </main>
      {isPaletteOpen.value && <Palette api={api} list={list} />}
    </>
  );
}

/** Sets the title of the tab. A component of its own, so that changes of the list draw nothing else again. */
function TabTitle({ list }: { list: ConversationList }) {
  const { view, conversationId } = address.value;
  const entry = list.find(conversationId);
  const title = view === "chat" ? (entry ? shownTitle(entry) : "New chat") : titles[view];
  useEffect(() => titleTab(title, list));
  return null;
}

interface ViewProps extends ShellProps {
  list: ConversationList;
}

function viewOf(at: PageAddress, { api, socket, list }: ViewProps): ComponentChildren {
  switch (at.view) {
    case "servers":
      return <ServersView api={api} />;
    case "usage":
      return <UsageView api={api} />;
    case "settings":
      return <SettingsView api={api} />;
    case "trace":
    case "chat":
      return <OpenConversation address={at} api={api} socket={socket} list={list} />;
  }
}

/** Shows a conversation in the chat or as a trace. Both views read the same log. */
function OpenConversation({ address: at, api, socket, list }: ViewProps & { address: PageAddress }) {
  const { view, conversationId, isNew, turnId } = at;
  const log = useMemo(() => new ConversationLog({ api, conversationId, isNew }), [conversationId]);
  useEffect(() => (isNew ? undefined : log.open(socket)), [log, socket, isNew]);
  const shared = { api, conversationId, log };
  // Preact does not look for a key in spread properties, so the key is given separately.
  if (view === "trace") return <TraceView key={conversationId} {...shared} turnId={turnId} />;
  return <ChatView key={conversationId} {...shared} list={list} socket={socket} isNew={isNew} onBegun={settle} />;
}
