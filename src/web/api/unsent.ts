/**
 * Text that the user wrote in this tab and that the host does not have yet. It is kept when the view changes or the page is reloaded, but
 * not when the tab is closed.
 */

import type { LastSeen } from "./host-messages.js";

export interface UnsentMessage {
  requestId: string;
  text: string;
  model?: string;
  /** Last event of the conversation that the page had when the message was written. Undefined if the conversation had not begun. */
  seen?: LastSeen | undefined;
}

const messagesKey = (conversationId: string) => `mcp-platform-unsent ${conversationId}`;
const draftKey = (conversationId: string | undefined) => `mcp-platform-draft ${conversationId ?? ""}`;

export function unsentMessages(conversationId: string): UnsentMessage[] {
  return JSON.parse(sessionStorage.getItem(messagesKey(conversationId)) ?? "[]") as UnsentMessage[];
}

export function keepUnsent(conversationId: string, message: UnsentMessage): void {
  const others = unsentMessages(conversationId).filter(({ requestId }) => requestId !== message.requestId);
  store(messagesKey(conversationId), JSON.stringify([...others, message]));
}

export function dropUnsent(conversationId: string, sentId: string): void {
  const rest = unsentMessages(conversationId).filter(({ requestId }) => requestId !== sentId);
  store(messagesKey(conversationId), rest.length > 0 ? JSON.stringify(rest) : "");
}

/** Returns the draft of the conversation. Without an id, returns the draft of a conversation that has not begun yet. */
export function draftOf(conversationId: string | undefined): string {
  return sessionStorage.getItem(draftKey(conversationId)) ?? "";
}

export function keepDraft(conversationId: string | undefined, text: string): void {
  store(draftKey(conversationId), text);
}

function store(key: string, text: string): void {
  try {
    if (text) sessionStorage.setItem(key, text);
    else sessionStorage.removeItem(key);
  } catch {
    // The text is too long: a browser stores only a few megabytes for a page. So the text is kept only while the view is open.
  }
}
