import type { StoredEvent } from "../../core/events.js";

/**
 * Returns the events of the turns that are part of the conversation. Rewound turns are left out, and so are the rewind and fork events. A
 * failed turn that was rewound and was continued afterwards is part of the conversation. `currentTurnId` is a turn that is about to
 * continue; it is never left out.
 */
export function withoutRewound(events: readonly StoredEvent[], currentTurnId?: string): readonly StoredEvent[] {
  if (!hasMarks(events)) return events;
  const turns = events.filter(({ type }) => !isMark(type));
  const rewinds = events.filter((event) => event.type === "rewind");
  if (rewinds.length === 0) return turns;
  const first = new Map<string, number>();
  const last = new Map<string, number>();
  for (const { turnId, seq } of turns) {
    if (!first.has(turnId)) first.set(turnId, seq);
    last.set(turnId, seq);
  }
  const isRewound = (turnId: string) =>
    rewinds.some(({ toSeq, seq }) => (first.get(turnId) ?? 0) > toSeq && (last.get(turnId) ?? 0) < seq);
  const gone = new Set([...first.keys()].filter((turnId) => turnId !== currentTurnId && isRewound(turnId)));
  return turns.filter(({ turnId }) => !gone.has(turnId));
}

/**
 * Returns true if there are rewind or fork events. The result is cached. A result of false stays valid until events are added to the array.
 */
function hasMarks(events: readonly StoredEvent[]): boolean {
  const known = marks.get(events);
  if (known && (known.found || known.length === events.length)) return known.found;
  const found = events.some(({ type }) => isMark(type));
  marks.set(events, { length: events.length, found });
  return found;
}

const marks = new WeakMap<readonly StoredEvent[], { length: number; found: boolean }>();

/** Returns true for the types of events that concern the conversation and belong to no turn. */
function isMark(type: StoredEvent["type"]): boolean {
  return type === "rewind" || type === "fork";
}
