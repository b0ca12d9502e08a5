/** The view and the conversation that the user sees. They are stored behind # in the address, so the host serves only a single page. */
import { signal } from "@preact/signals";
import { fromAddress } from "./format-text.js";
import { newPageId } from "./page-ids.js";

const views = ["chat", "trace", "servers", "usage", "settings"] as const;

export type View = (typeof views)[number];

export interface PageAddress {
  view: View;
  conversationId: string;
  /** True if the address contains no conversation id. The conversation then has a new id and has not begun yet. */
  isNew: boolean;
  /** The turn that the trace shows first. */
  turnId: string | undefined;
}

/** Reads the part of the address after #, such as `#/trace/c1/turn_2`. An unknown view is read as the chat. */
function readAddress(hash: string): PageAddress {
  const [, name, ...parts] = hash.split("/");
  const [id, turnId] = parts.map(fromAddress);
  const view = views.find((each) => each === name) ?? "chat";
  return { view, conversationId: id || newPageId("conv"), isNew: !id, turnId };
}

/** Returns the address of a view; of a chat or trace, that of the conversation and the turn. */
export function linkTo(view: View, ...ids: string[]): string {
  return ["#", view, ...ids.map(encodeURIComponent)].join("/");
}

export const address = signal<PageAddress>(readAddress(window.location.hash));

window.addEventListener("hashchange", () => {
  address.value = readAddress(window.location.hash);
});

/** Puts the id of the conversation into the address. Called when a new conversation has begun. */
export function settle(): void {
  if (!address.value.isNew) return;
  const { view, conversationId } = address.value;
  window.history.replaceState(null, "", linkTo(view, conversationId));
  address.value = { ...address.value, isNew: false };
}

export function goTo(view: View, ...ids: string[]): void {
  window.location.hash = linkTo(view, ...ids);
}
