import type { ChatEvent, StoredEvent } from "../core/chat.js";
import { jsonCopy } from "./json-copy.js";

/** Returns a just written event: what `eventOf` would make of its JSON, at a third of the cost. */
export function eventWritten(event: ChatEvent, place: { seq: number; at: number }): StoredEvent {
  return Object.assign(jsonCopy(event), place);
}

/**
 * Returns an event read from the log. Adds `seq` and `at` to the parsed object itself: a copy by `{ ...parsed }` has a hidden class of its
 * own. Going over a log would then be 20 times slower (64 against 3 ns for the type of one of 3,300, Node 20).
 */
export function eventOf(payload: string, place: { seq: number; at: number }): StoredEvent {
  return Object.assign(JSON.parse(payload), place);
}
