import { effect } from "@preact/signals";
import type { ConversationList } from "../api/conversation-list.js";
import type { ConversationEntry } from "../api/host-messages.js";
import plainIcon from "../icon.svg";
import waitingIcon from "../icon-waiting.svg";
import { address, goTo } from "../shared/page-address.js";
import { storedChoice } from "../shared/stored-choice.js";
import { shownTitle } from "./conversation-row.js";

/** Whether the person wants notifications of the browser. */
export const notifies = storedChoice("notifications", ["off", "on"]);

/** Title of the view that is shown. The tab shows it behind the number of conversations that wait. */
export function titleTab(title: string, list: ConversationList): void {
  const count = waitingIn(list).length;
  document.title = `${count > 0 ? `(${count}) ` : ""}${title} – MCP-Platform`;
}

/** Shows in the icon of the tab, and in notifications, that a conversation waits for the person. Works until the returned function is called. */
export function showWaiting(list: ConversationList): () => void {
  let before: Set<string> | undefined;
  return effect(() => {
    if (!list.entries.value) return;
    const waiting = waitingIn(list);
    document.querySelector("link[rel=icon]")?.setAttribute("href", waiting.length > 0 ? waitingIcon : plainIcon);
    for (const entry of waiting) if (before && !before.has(entry.conversation_id)) notify(entry);
    before = new Set(waiting.map(({ conversation_id: id }) => id));
  });
}

function waitingIn(list: ConversationList): ConversationEntry[] {
  return (list.entries.value ?? []).filter(({ state }) => state === "waiting");
}

function notify(entry: ConversationEntry): void {
  const { conversation_id: id } = entry;
  const isSeen = !document.hidden && address.peek().conversationId === id;
  if (isSeen || notifies.peek() === "off" || !("Notification" in window) || Notification.permission !== "granted")
    return;
  // Tabs with the same host use the same tag, so that the person sees one notification.
  const notification = new Notification("A conversation waits for you", {
    body: shownTitle(entry),
    tag: id,
    icon: plainIcon,
  });
  notification.addEventListener("click", () => {
    window.focus();
    goTo("chat", id);
    notification.close();
  });
}
