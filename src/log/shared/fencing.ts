/** Detects that another process owns a turn that this one writes to. */
import { isDeepStrictEqual } from "node:util";
import { StoreError } from "../../core/errors.js";
import type { ChatEvent, StoredEvent } from "../../core/events.js";

/**
 * Compares the stored events `there` with `events`, and returns `there` if they are equal. Equal events were stored by an earlier attempt
 * whose acknowledgement was lost. Throws StoreError `fenced` if they differ, because another process then wrote at these positions.
 */
export function requireSameEvents(there: readonly StoredEvent[], events: readonly ChatEvent[]): StoredEvent[] {
  return events.map((event, index) => {
    const found = there[index];
    if (!found) throw fenced(event.turnId);
    const { seq, at, ...known } = found;
    if (!isDeepStrictEqual(known, asStored(event))) throw fenced(event.turnId);
    return found;
  });
}

export function fenced(turnId: string): StoreError {
  return new StoreError("fenced", `another process has taken over the turn ${turnId}`);
}

/**
 * Returns the value as it would be after a round trip through JSON. After this, values that differ only in what JSON cannot express are
 * equal.
 */
function asStored(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
