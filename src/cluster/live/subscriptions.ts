/** Messages by which a host notifies all other hosts of what it follows. */
import { isPlainObject } from "../../core/json.js";
import { parseList } from "./frames.js";
import type { Known, MessagePosition } from "./open-message.js";

/**
 * A subscription to a conversation. `has`: how much of the open message the subscriber has. If it is missing, the subscriber needs the
 * whole message.
 */
export interface Watch {
  conversationId: string;
  has?: { place: MessagePosition; known: Known };
}

export type Word = { nodeId: string } & (
  | { say: "hello" }
  /** Reports that the host has open streams from exactly the hosts in `from`. */
  | { say: "streams"; from: string[] }
  | ({ say: "watch" } & Watch)
  | { say: "leave"; conversationId: string }
);

/** Parses a list of messages. Skips messages that are invalid or of a kind that only later versions know. */
export function readWords(text: string): Word[] {
  return parseList(text).filter(isWord);
}

function isWord(value: unknown): value is Word {
  if (!isPlainObject(value) || typeof value.nodeId !== "string") return false;
  if (value.say === "hello") return true;
  if (value.say === "streams") return Array.isArray(value.from) && value.from.every((id) => typeof id === "string");
  if (typeof value.conversationId !== "string") return false;
  return value.say === "leave" || (value.say === "watch" && (value.has === undefined || isHaving(value.has)));
}

function isHaving(value: unknown): boolean {
  if (!isPlainObject(value) || !isPlainObject(value.place) || !isPlainObject(value.known)) return false;
  const { place, known } = value;
  const numbers = [place.after, place.fence, place.attempt, known.text, known.reasoning, known.notice];
  return typeof place.turnId === "string" && numbers.every((number) => Number.isInteger(number) && Number(number) >= 0);
}
