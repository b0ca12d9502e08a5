/** The user's place, kept behind the # of the address, so that the host serves one page. */
import { signal } from "@preact/signals";
import { newId } from "./api/ids.js";
import { fromAddress } from "./text.js";

const views = ["chat", "conversations", "trace", "servers", "usage"] as const;

export type View = (typeof views)[number];

export interface Place {
  view: View;
  conversationId: string;
  /** True if the address names no conversation: this one is yet to begin. */
  isNew: boolean;
}

/** Reads `#/trace/c1`. Anything else is the chat. */
function readPlace(hash: string): Place {
  const [, name, part = ""] = hash.split("/");
  const id = fromAddress(part);
  const view = views.find((each) => each === name) ?? "chat";
  return { view, conversationId: id || newId("conv"), isNew: !id };
}

export function placeLink(view: View, conversationId?: string): string {
  return conversationId === undefined ? `#/${view}` : `#/${view}/${encodeURIComponent(conversationId)}`;
}

export const place = signal<Place>(readPlace(window.location.hash));

export const lastConversation = signal<string | undefined>(undefined);

function arrive(): void {
  const { conversationId, isNew } = place.value;
  if (!isNew) lastConversation.value = conversationId;
}

arrive();

window.addEventListener("hashchange", () => {
  place.value = readPlace(window.location.hash);
  arrive();
});

/** Puts a conversation that has begun into the address. */
export function settle(): void {
  if (!place.value.isNew) return;
  const { view, conversationId } = place.value;
  window.history.replaceState(null, "", placeLink(view, conversationId));
  place.value = { view, conversationId, isNew: false };
  arrive();
}

export function goTo(view: View, conversationId?: string): void {
  window.location.hash = placeLink(view, conversationId);
}
