import type { ChatEvent, StoredEvent } from "../../core/events.js";
import { jsonCopy } from "./json-copy.js";

/** Returns an event that was just written. The result equals that of `eventOf`, at a third of the cost, because no JSON is parsed. */
export function eventWritten(event: ChatEvent, place: { seq: number; at: number }): StoredEvent {
  return Object.assign(jsonCopy(event), place);
}

/**
 * Returns an event that was read from the log. Adds `seq` and `at` to the parsed object itself. With a copy (`{ ...parsed }`) each event
 * would have a hidden class of its own, and going through a log would be 20 times slower (64 instead of 3 ns to read one event's type in a
 * log of 3,300, Node 20).
 */
export function eventOf(payload: string, place: { seq: number; at: number }): StoredEvent {
  return Object.assign(JSON.parse(payload), place);
}
