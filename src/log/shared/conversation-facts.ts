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

export function conversationFacts(events: readonly StoredEvent[]): ConversationFacts {
  const rewinds = events.filter((event) => event.type === "rewind");
  const isRewound = (asked: number) => rewinds.some(({ seq, toSeq }) => seq > asked && toSeq < asked);
  const messages = events.filter(({ type }) => type === "user_message");
  const [first] = messages;
  return { title: first ? titleIn(first) : null, turns: messages.filter(({ seq }) => !isRewound(seq)).length };
}

/**
 * Returns the title that this event gives to a conversation without a title: the beginning of the message's first text. Returns "" for a
 * message without text, and null for any other event.
 */
export function titleIn(event: ChatEvent): string | null {
  if (event.type !== "user_message") return null;
  return titleOf(event.content.find((part) => part.type === "text")?.text ?? "");
}

/** Returns the beginning of the text. Characters that PostgreSQL cannot store (NUL and half characters) become U+FFFD. */
export function titleOf(text: string): string {
  return storable(firstCharacters(text, titleLength));
}

/** Longest part of a message that searches look at, in characters. The rest of a pasted file would fill the index for nothing. */
export const searchedLength = 2_000;

/** Shortest text, in characters, that searches look for in messages. The index consists of parts of this length. */
const shortestInMessages = 3;

/** Returns true if searches look for this text in messages too, not only in titles. */
export function isInMessages(text: string): boolean {
  return [...lowerTitle(text)].length >= shortestInMessages;
}

/**
 * Returns the texts by which a search finds a conversation: the messages of the user and the answers that no rewind removed, by their `seq`.
 * A conversation with a rewind also has its title, at 0, because the title stays when its message is removed.
 */
export function searchedTexts(events: readonly StoredEvent[]): Map<number, string> {
  const rewinds = events.filter((event) => event.type === "rewind");
  const first = events.find((event) => event.type === "user_message");
  const texts: [number, string][] = first && rewinds.length > 0 ? [[0, lowerTitle(titleIn(first) ?? "")]] : [];
  for (const event of events) {
    const isRewound = rewinds.some(({ seq, toSeq }) => seq > event.seq && toSeq < event.seq);
    if (!isRewound) texts.push([event.seq, searchedTextIn(event)]);
  }
  return new Map(texts.filter(([, text]) => text !== ""));
}

/** Returns the text by which a search finds this event. Returns "" for an event that no search finds: only messages and answers are found. */
export function searchedTextIn(event: ChatEvent): string {
  // A later version of this host may store answers of another form.
  if (event.type === "assistant_message")
    return lowerTitle(firstCharacters(event.message.content ?? "", searchedLength));
  if (event.type !== "user_message") return "";
  const text = event.content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
  return lowerTitle(firstCharacters(text, searchedLength));
}

/** Returns the text in the form in which searches compare it. */
export function lowerTitle(text: string): string {
  return storable(text).toLowerCase();
}

function firstCharacters(text: string, most: number): string {
  return text.length <= most ? text : [...text.slice(0, 2 * most)].slice(0, most).join("");
}

/** Replaces the characters that PostgreSQL cannot store: NUL and half characters. */
export function storable(text: string): string {
  return text.replaceAll(/[\0\p{Surrogate}]/gu, "\ufffd");
}
