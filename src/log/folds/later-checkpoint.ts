/** Finds where a log can be cut, and makes the checkpoint that replaces the events before the cut. Pure functions. */

import { isOfNoTurn } from "../../core/event-facts.js";
import { isTurnEnd, type StoredEvent } from "../../core/events.js";
import { largest, smallest } from "../../core/lists/long-lists.js";
import { callsIn, spentIn } from "../shared/spent.js";
import { needsEarlierCalls } from "./caller-results.js";
import { type Checkpoint, checkpointVersion, comparedBefore, type LogSince, type ModelName } from "./checkpoint.js";
import { comparedTokens, tokensOf } from "./estimate.js";
import { noteProcess, noteTools } from "./known-tools.js";
import { latest, latestShortenings, turnMessages, turnsToSend, uncompacted } from "./replay.js";
import { type TurnSpan, withoutRewound } from "./rewind.js";
import { readTurns, type TurnRecord } from "./turn-records.js";

/** A new checkpoint is made only if this share of the events can be dropped. */
const leastDropped = 0.3;

/**
 * Returns the log from a later checkpoint on. Its events begin with the first turn that the model still gets, because turns before it were
 * summarised or left out. With `mostTokens`, they begin with the last turns that have this many tokens, whether turns were left out or not.
 * Returns undefined if too little would be dropped, or if the turns before the checkpoint have not all ended. `currentTurnId` is a turn that
 * is about to continue, so it stays.
 */
export function laterCheckpoint(
  log: LogSince,
  currentTurnId: string | undefined,
  mostTokens?: number,
): Required<LogSince> | undefined {
  const { checkpoint, events } = log;
  const compaction = latest("compaction", events, currentTurnId);
  const shortenings = latestShortenings(events, currentTurnId);
  if (shortenings.length === 0 && mostTokens === undefined) return undefined;

  const ranges = turnRanges(events);
  const firstOf = ({ turnId }: { turnId: string }) => ranges.get(turnId)?.first ?? 0;
  // Other turns read the log without a summary or a trim of a turn that has not ended, or that a rewind took back and that is tried again.
  const isCertain = ({ turnId }: { turnId: string }) => turnId !== currentTurnId && ranges.get(turnId)?.hasEnded;
  if (!shortenings.every(isCertain)) return undefined;

  const needed =
    mostTokens === undefined ? turnsToSend(events, currentTurnId) : lastTurns(events, currentTurnId, mostTokens);
  const limit = smallest([...needed, ...shortenings].map(firstOf));
  const cut = lastCleanStart(events, ranges, limit, currentTurnId);
  const first = events[cut];
  if (!first || cut < events.length * leastDropped) return undefined;

  const from = first.seq;
  const turns = readTurns(events, currentTurnId).filter((turn) => firstOf(turn) < from);
  const summarisedTo = compaction?.upToSeq ?? 0;
  // Turns that only `mostTokens` drops do not count: a request for a summary has no room for them.
  const trimsNow = mostTokens === undefined && turns.some(({ end }) => end && end.seq > summarisedTo);
  const trimmedBefore = checkpoint?.isTrimmed === true && summarisedTo < checkpoint.from - 1;
  return {
    checkpoint: {
      version: checkpointVersion,
      from,
      turnId: first.turnId,
      madeAt: events.at(-1)?.seq ?? from,
      rewindableFrom: Math.max(from - 1, largest(shortenings.map(firstOf))),
      isTrimmed: trimsNow || trimmedBefore,
      ...factsBefore(log, from, turns, currentTurnId),
    },
    events: events.slice(cut),
  };
}

type CheckpointFacts = Pick<Checkpoint, "spent" | "calls" | "compared" | "found" | "resultIds" | "processes">;

/** Returns what later turns need of the events before `from` and of the earlier checkpoint. `turns` are the turns that begin before `from`. */
function factsBefore(
  { checkpoint, events }: LogSince,
  from: number,
  turns: readonly TurnRecord[],
  currentTurnId: string | undefined,
): CheckpointFacts {
  const before = events.filter(({ seq }) => seq < from);
  const tools = { found: new Set(checkpoint?.found), resultIds: new Set(checkpoint?.resultIds) };
  for (const event of before) noteTools(tools, event);
  const processes = new Map(checkpoint?.processes);
  for (const event of withoutRewound(events, currentTurnId)) if (event.seq < from) noteProcess(processes, event);
  return {
    spent: spentIn(before, checkpoint?.spent),
    calls: (checkpoint?.calls ?? 0) + callsIn(before),
    compared: modelsIn(turns, checkpoint).map((model) => ({
      ...model,
      ...comparedTokens(turns, model, comparedBefore(checkpoint, model)),
    })),
    found: [...tools.found],
    resultIds: [...tools.resultIds],
    processes: [...processes],
  };
}

/**
 * Returns the last turns that have ended and were not summarised: so many that they have `mostTokens` tokens or a little more, or all if they
 * have fewer. Turns of one task with the caller's tools stay together.
 */
function lastTurns(
  events: readonly StoredEvent[],
  currentTurnId: string | undefined,
  mostTokens: number,
): TurnRecord[] {
  const turns = uncompacted(events, currentTurnId).filter(({ turnId, end }) => end && turnId !== currentTurnId);
  let tokens = 0;
  const reachesMost = (turn: TurnRecord) => {
    tokens += tokensOf(turnMessages([turn]));
    return tokens >= mostTokens;
  };
  const most = turns.slice(0, Math.max(0, turns.findLastIndex(reachesMost)) + 1);
  // The turns that made the calls of its results, and the task that they are for, come with the first of these turns.
  const start = most.findLastIndex((turn) => !needsEarlierCalls(turn));
  return turns.slice(Math.max(0, start));
}

/** Returns the models that have answered in these turns or before the checkpoint. */
function modelsIn(turns: readonly TurnRecord[], checkpoint: Checkpoint | undefined): ModelName[] {
  const answers = turns.flatMap(({ hops }) => hops.map(({ answer }) => answer));
  const models = [...(checkpoint?.compared ?? []), ...answers];
  const named = models.map(({ provider, model }) => [JSON.stringify([provider, model]), { provider, model }] as const);
  return [...new Map(named).values()];
}

interface TurnRange extends TurnSpan {
  hasEnded: boolean;
}

/** Returns for each turn where it begins and ends, and whether its last event ends it. */
function turnRanges(events: readonly StoredEvent[]): Map<string, TurnRange> {
  const ranges = new Map<string, TurnRange>();
  for (const event of events) {
    if (isOfNoTurn(event)) continue;
    const range = ranges.get(event.turnId);
    const [last, hasEnded] = [event.seq, isTurnEnd(event)];
    if (range) Object.assign(range, { last, hasEnded });
    else ranges.set(event.turnId, { first: event.seq, last, hasEnded });
  }
  return ranges;
}

/** Returns the index of the last event up to `limit` that begins a turn while no other turn is unfinished. Returns -1 if there is none. */
function lastCleanStart(
  events: readonly StoredEvent[],
  ranges: ReadonlyMap<string, TurnRange>,
  limit: number,
  currentTurnId: string | undefined,
): number {
  let start = -1;
  let lastOfEarlier = 0;
  for (const [index, { type, turnId, seq }] of events.entries()) {
    if (seq > limit) break;
    const range = ranges.get(turnId);
    if (range?.first !== seq) continue;
    if (type === "user_message" && lastOfEarlier < seq) start = index;
    lastOfEarlier = Math.max(lastOfEarlier, range.hasEnded && turnId !== currentTurnId ? range.last : Number.MAX_VALUE);
  }
  return start;
}
