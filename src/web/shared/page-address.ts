/** The view and the conversation that the user sees. They are stored behind # in the address, so the host serves only a single page. */
import { signal } from "@preact/signals";
import { fromAddress } from "./format-text.js";
import { newPageId } from "./page-ids.js";

const views = ["chat", "conversations", "trace", "servers", "usage"] as const;

export type View = (typeof views)[number];

export interface PageAddress {
  view: View;
  conversationId: string;
  /** True if the address contains no conversation id. The conversation then has a new id and has not begun yet. */
  isNew: boolean;
}

/** Reads the part of the address after #, such as `#/trace/c1`. An unknown view is read as the chat. */
function readAddress(hash: string): PageAddress {
  const [, name, part = ""] = hash.split("/");
  const id = fromAddress(part);
  const view = views.find((each) => each === name) ?? "chat";
  return { view, conversationId: id || newPageId("conv"), isNew: !id };
}

export function linkTo(view: View, conversationId?: string): string {
  return conversationId === undefined ? `#/${view}` : `#/${view}/${encodeURIComponent(conversationId)}`;
}

export const address = signal<PageAddress>(readAddress(window.location.hash));

export const lastConversation = signal<string | undefined>(undefined);

function arrive(): void {
  const { conversationId, isNew } = address.value;
  if (!isNew) lastConversation.value = conversationId;
}

arrive();

window.addEventListener("hashchange", () => {
  address.value = readAddress(window.location.hash);
  arrive();
});

/** Puts the id of the conversation into the address. Called when a new conversation has begun. */
export function settle(): void {
  if (!address.value.isNew) return;
  const { view, conversationId } = address.value;
  window.history.replaceState(null, "", linkTo(view, conversationId));
  address.value = { view, conversationId, isNew: false };
  arrive();
}

/** Makes the tabs lead to a new conversation instead of this one. Called when this conversation was deleted. */
export function forgetLast(conversationId: string): void {
  if (lastConversation.value === conversationId) lastConversation.value = undefined;
}

export function goTo(view: View, conversationId?: string): void {
  window.location.hash = linkTo(view, conversationId);
}
