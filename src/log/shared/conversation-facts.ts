/** Facts that lists show of a conversation, as every store computes them from the events. */
import type { ChatEvent, StoredEvent } from "../../core/events.js";

/** Longest title of a conversation, in characters. */
export const titleLength = 80;

interface ConversationFacts {
  /** Null if the conversation has no message. */
  title: string | null;
  /** Number of turns that no rewind removed. */
  turns: number;
}

/** Returns the facts of a conversation that consists of these events. */
export function conversationFacts(events: readonly StoredEvent[]): ConversationFacts {
  const rewinds = events.filter((event) => event.type === "rewind");
  const isRewound = (asked: number) => rewinds.some(({ seq, toSeq }) => seq > asked && toSeq < asked);
  const messages = events.filter(({ type }) => type === "user_message");
  const [first] = messages;
  return { title: first ? titleIn(first) : null, turns: messages.filter(({ seq }) => !isRewound(seq)).length };
}

/**
 * Returns the title that this event gives to a conversation without one: the beginning of the message's first text. Returns "" for a
 * message without text, and null for an event that is no message.
 */
export function titleIn(event: ChatEvent): string | null {
  if (event.type !== "user_message") return null;
  return titleOf(event.content.find((part) => part.type === "text")?.text ?? "");
}

/** Returns the beginning of the text. Characters that PostgreSQL cannot store (NUL and half characters) become U+FFFD. */
export function titleOf(text: string): string {
  return storable([...text.slice(0, 2 * titleLength)].slice(0, titleLength).join(""));
}

/** Returns the text as searches compare it. */
export function lowerTitle(text: string): string {
  return storable(text).toLowerCase();
}

function storable(text: string): string {
  return text.replaceAll(/[\0\p{Surrogate}]/gu, "\ufffd");
}
