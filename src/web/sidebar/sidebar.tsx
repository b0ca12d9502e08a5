import { computed, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ConversationList } from "../api/conversation-list.js";
import type { Api } from "../api/host-client.js";
import { Icon, type IconName } from "../shared/icon.js";
import { address, linkTo, type View } from "../shared/page-address.js";
import { storedChoice } from "../shared/stored-choice.js";
import { isCovered } from "../shared/use-escape.js";
import { ConversationNav } from "./conversation-nav.js";

/** In a window of this width the sidebar lies over the view, so it is folded until it is wanted. As in styles/shell.css. */
const narrow = window.matchMedia("(max-width: 760px)");
const isNarrow = signal(narrow.matches);

const wide = storedChoice("sidebar", ["shown", "folded"]);

const links: readonly { view: View; label: string; icon: IconName }[] = [
  { view: "servers", label: "Servers", icon: "servers" },
  { view: "usage", label: "Usage", icon: "usage" },
  { view: "settings", label: "Settings", icon: "settings" },
];

interface SidebarProps {
  api: Api;
  list: ConversationList;
}

const isOpened = signal(false);

narrow.addEventListener("change", () => {
  isNarrow.value = narrow.matches;
  isOpened.value = false;
});

export const isSidebarShown = computed(() => (isNarrow.value ? isOpened.value : wide.value === "shown"));

/** True if the sidebar lies over the view. */
export const isSidebarOver = computed(() => isNarrow.value && isOpened.value);

/** Shows or folds the sidebar, and moves the focus to what does the opposite. In a wide window the browser keeps the choice. */
export function toggleSidebar(): void {
  const shows = !isSidebarShown.value;
  if (isNarrow.value) isOpened.value = shows;
  else wide.value = shows ? "shown" : "folded";
  requestAnimationFrame(() => document.getElementById(shows ? "new-chat" : "show-sidebar")?.focus());
}

export function Sidebar({ api, list }: SidebarProps) {
  const { view } = address.value;
  useEffect(() => {
    isOpened.value = false;
  }, [address.value]);
  return (
    <aside
      class="sidebar"
      aria-label="Sidebar"
      hidden={!isSidebarShown.value}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.defaultPrevented || isCovered() || !isSidebarOver.value) return;
        event.preventDefault();
        toggleSidebar();
      }}
    >
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        Skip to the content
      </button>
      <header>
        <p class="brand">MCP-Platform</p>
        <button type="button" class="icon-button" aria-label="Hide the sidebar" onClick={toggleSidebar}>
          <Icon name="sidebar" />
        </button>
      </header>
      <a class="new" id="new-chat" href={linkTo("chat")}>
        <Icon name="write" />
        New chat
      </a>
      <ConversationNav api={api} list={list} />
      <nav class="views" aria-label="Views">
        {links.map((link) => (
          <a key={link.view} href={linkTo(link.view)} aria-current={link.view === view ? "page" : undefined}>
            <Icon name={link.icon} />
            {link.label}
          </a>
        ))}
      </nav>
    </aside>
  );
}
