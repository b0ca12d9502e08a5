/**
 * Selects the turns of a conversation to take back or to copy. The functions get all events of the conversation. Nothing can be written to
 * the conversation while they run.
 */

import { RequestError } from "../../core/errors.js";
import { type ForkEvent, isTurnEnd, type RewindEvent, type StoredEvent } from "../../core/events.js";
import { eventsByTurn } from "../../log/folds/turn-records.js";

/**
 * Where to go back to. `toSeq` is the number of the last event that stays; a turn that began before that event stays whole. `turns` is the
 * number of turns to take back.
 */
export type RewindTo = { toSeq: number } | { turns: number };

/** Returns the event that takes turns back. Throws RequestError if there is no turn to take back. */
export function decideRewind(events: readonly StoredEvent[], turnId: string, to: RewindTo): RewindEvent {
  if ("turns" in to && !(to.turns >= 1)) throw new RequestError("usage", "at least one turn has to be taken back");
  const begins = eventsByTurn(events).map(([first]) => first?.seq ?? 0);
  const toSeq = "toSeq" in to ? to.toSeq : (begins.at(-Math.min(to.turns, begins.length)) ?? 1) - 1;
  const lastBegin = begins.at(-1) ?? 0;
  if (lastBegin > toSeq) return { type: "rewind", turnId, toSeq };
  const message = lastBegin === 0 ? "there is no turn to take back" : `no turn began after event ${toSeq}`;
  throw new RequestError("usage", message, {
    ...(lastBegin > 0 && { hint: `the last turn began with event ${lastBegin}` }),
  });
}

/** Where a copy ends: at an event, or with the end of a turn. Default: at the last event. With `toSeq: 0`, the copy has no turn. */
export type ForkUntil = { toSeq?: number | undefined } | { lastTurnId: string };

/**
 * Selects the turns to copy: all whole turns that had ended by then. Throws RequestError if there are none, and `busy` if the turn `lastTurnId`
 * has not ended.
 */
export function decideFork(
  events: readonly StoredEvent[],
  { conversationId, turnId, until }: { conversationId: string; turnId: string; until: ForkUntil },
): { first: ForkEvent; seqs: readonly number[] } {
  const toSeq = "lastTurnId" in until ? endOf(events, until.lastTurnId) : (until.toSeq ?? Number.MAX_SAFE_INTEGER);
  const ended = eventsByTurn(events).filter((turn) => {
    const last = turn.at(-1);
    return last !== undefined && last.seq <= toSeq && isTurnEnd(last);
  });
  const seqs = ended
    .flat()
    .map(({ seq }) => seq)
    .sort((a, b) => a - b);
  const last = seqs.at(-1) ?? 0;
  if (last === 0 && toSeq !== 0)
    throw new RequestError("usage", "no turn had ended by that event, so there is nothing to copy");
  const earlier = events[0]?.type === "fork" ? events[0].origins : [];
  return { first: { type: "fork", turnId, origins: [conversationId, ...earlier], toSeq: last }, seqs };
}

/** Returns the number of the event with which the turn ended. */
function endOf(events: readonly StoredEvent[], turnId: string): number {
  const last = events.findLast((event) => event.turnId === turnId);
  if (last && isTurnEnd(last)) return last.seq;
  throw new RequestError("busy", "a turn that has not ended cannot be copied", { hint: "try again after its end" });
}
