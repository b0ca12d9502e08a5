import type { ChatEvent, StoredEvent } from "../../core/events.js";
import { jsonCopy } from "./json-copy.js";

/**
 * Returns an event that was just written. The result equals that of `eventOf`, but takes a third of the time, because no JSON is parsed.
 */
export function eventWritten(event: ChatEvent, columns: { seq: number; at: number }): StoredEvent {
  return Object.assign(jsonCopy(event), columns);
}

/** Columns of an event that are not in its JSON. Files have columns for `type` and `turnId`, too. */
interface EventColumns {
  seq: number;
  at: number;
  type?: string;
  turnId?: string;
}

/**
 * Parses an event that was read from the log. Adds its columns to the parsed object itself. If it were copied (`{ ...parsed }`), each
 * event would have a different hidden class. Reading one field of every event would then be 20 times slower (64 instead of 3 ns per event
 * in a log of 3,300 events, Node 20).
 */
export function eventOf(payload: string, columns: EventColumns): StoredEvent {
  return Object.assign(JSON.parse(payload), columns);
}
