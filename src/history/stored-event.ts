import type { ChatEvent, StoredEvent } from "../core/chat.js";
import { jsonCopy } from "./json-copy.js";

/** An event as it was just written: what `eventOf` would make of its JSON, at a third of the cost. */
export function eventWritten(event: ChatEvent, place: { seq: number; at: number }): StoredEvent {
  return Object.assign(jsonCopy(event), place);
}

/**
 * An event as it is read from the log. The parsed object itself gets its place: a copy of it by `{ ...parsed }` has a hidden class of its
 * own, and whoever goes over a log reads such events 20 times slower (64 against 3 ns for the type of one of 3,300, Node 20).
 */
export function eventOf(payload: string, place: { seq: number; at: number }): StoredEvent {
  return Object.assign(JSON.parse(payload), place);
}
