import { isOfNoTurn } from "../../core/event-facts.js";
import type { RewindEvent, StoredEvent } from "../../core/events.js";

/** Numbers of the first and the last event of a turn. */
export interface TurnSpan {
  first: number;
  last: number;
}

/** Returns true if one of these rewinds removed the turn and the turn was not continued afterwards. */
export function isRewound(
  { first, last }: TurnSpan,
  rewinds: readonly (Pick<RewindEvent, "toSeq"> & { seq: number })[],
): boolean {
  return rewinds.some(({ toSeq, seq }) => first > toSeq && last < seq);
}

/**
 * Returns the events of the turns that are part of the conversation. Rewound turns are left out, and so are the events that belong to no turn. A
 * failed turn that was rewound and was continued afterwards is part of the conversation. `currentTurnId` is a turn that is about to
 * continue; it is never left out.
 */
export function withoutRewound(events: readonly StoredEvent[], currentTurnId?: string): readonly StoredEvent[] {
  const turns = eventsOfTurns(events);
  if (turns === events) return events;
  const rewinds = events.filter((event) => event.type === "rewind");
  if (rewinds.length === 0) return turns;
  const spans = new Map<string, TurnSpan>();
  for (const { turnId, seq } of turns) {
    const span = spans.get(turnId);
    if (span) span.last = seq;
    else spans.set(turnId, { first: seq, last: seq });
  }
  const gone = new Set<string>();
  for (const [turnId, span] of spans) if (turnId !== currentTurnId && isRewound(span, rewinds)) gone.add(turnId);
  return turns.filter(({ turnId }) => !gone.has(turnId));
}

/**
 * Returns the events that belong to turns: `events` itself if there are no others. Until events are added, the result is the same array, so that
 * what is derived from it is known.
 */
function eventsOfTurns(events: readonly StoredEvent[]): readonly StoredEvent[] {
  const known = ofTurns.get(events);
  if (known?.length === events.length) return known.turns;
  const turns = events.some(isOfNoTurn) ? events.filter((event) => !isOfNoTurn(event)) : events;
  ofTurns.set(events, { length: events.length, turns });
  return turns;
}

const ofTurns = new WeakMap<readonly StoredEvent[], { length: number; turns: readonly StoredEvent[] }>();
