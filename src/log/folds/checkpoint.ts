/**
 * A checkpoint holds what later turns need of the events before a place in the log. A turn then reads only the events from that place on, so
 * that it costs the same however long the conversation is. Pure functions.
 */

import type { StoredEvent } from "../../core/events.js";
import { largest, smallest } from "../../core/lists/long-lists.js";
import type { SpentTotals } from "../../core/usage-store.js";
import { callsIn, spentIn } from "../shared/spent.js";
import { type ComparedTokens, comparedTokens, tokensOf } from "./estimate.js";
import { noteProcess, noteTools } from "./known-tools.js";
import { latest, shownTurns, turnMessages, uncompacted } from "./replay.js";
import { isOfNoTurn, withoutRewound } from "./rewind.js";
import { isTurnEnd, readTurns, type TurnRecord } from "./turn-records.js";

/** Raised when a checkpoint of another program would be wrong. Such a checkpoint is ignored, and a new one is made. */
const version = 1;

export interface Checkpoint {
  version: number;
  /** `seq` of the first event that a turn reads. All turns before it have ended. */
  from: number;
  /** The turn of the event `from`. If the log has another turn there, the checkpoint belongs to a deleted conversation. */
  turnId: string;
  /** `seq` of the last event that was known when the checkpoint was made. Only later events can break it. */
  madeAt: number;
  /** A rewind to an event before this one changes what the checkpoint holds, so it is no longer valid. */
  rewindableFrom: number;
  /** True if turns before `from` were left out without a summary. A later summary covers them too. */
  isTrimmed: boolean;
  spent: SpentTotals;
  /** Number of tool calls that were sent. */
  calls: number;
  /** For each model, how its usage compares with this host's estimates. */
  compared: ComparedModel[];
  found: string[];
  resultIds: string[];
  /** For each server, the host that ran it when it was last called. */
  processes: [server: string, nodeId: string][];
}

interface ModelName {
  provider: string;
  model: string;
}

type ComparedModel = ModelName & ComparedTokens;

/** A conversation from a checkpoint on. Without a checkpoint, `events` are all events. */
export interface LogSince {
  checkpoint?: Checkpoint | undefined;
  events: readonly StoredEvent[];
}

/** A new checkpoint is made only if this share of the events can be dropped. */
const leastDropped = 0.3;

/** Reads a stored checkpoint. Returns undefined if it was made by another version of this program. */
export function parseCheckpoint(text: string | undefined): Checkpoint | undefined {
  const checkpoint = text === undefined ? undefined : (JSON.parse(text) as Checkpoint);
  return checkpoint?.version === version ? checkpoint : undefined;
}

/** Returns what is known of this model from the turns before the checkpoint. */
export function comparedBefore(checkpoint: Checkpoint | undefined, target: ModelName): ComparedTokens | undefined {
  return checkpoint?.compared.find(({ provider, model }) => provider === target.provider && model === target.model);
}

/** Returns true if the checkpoint of the log still holds after these new events, which are the last ones of the log. */
export function isValid({ checkpoint, events }: LogSince, news: readonly StoredEvent[]): boolean {
  if (!checkpoint) return true;
  const [first] = events;
  if (first?.seq !== checkpoint.from || first.turnId !== checkpoint.turnId) return false;
  const turns = new Set(events.filter(({ type }) => type === "user_message").map(({ turnId }) => turnId));
  return !news.some((event) => breaksCheckpoint(checkpoint, event, turns));
}

/**
 * Returns true if the event needs events before the checkpoint, so that the checkpoint is no longer valid. `turns` are the turns that have
 * begun after the checkpoint.
 */
function breaksCheckpoint(
  { from, madeAt, rewindableFrom }: Checkpoint,
  event: StoredEvent,
  turns: ReadonlySet<string>,
): boolean {
  if (event.seq <= madeAt) return false;
  if (event.type === "rewind") return event.toSeq < rewindableFrom;
  if ((event.type === "compaction" || event.type === "trim") && event.upToSeq < from - 1) return true;
  return event.type !== "user_message" && !turns.has(event.turnId);
}

/**
 * Returns the log from a later checkpoint on. Its events begin with the first turn that the model still gets, because turns before it were
 * summarised or left out. With `mostTokens`, they begin with the last turns before the current one that have this many tokens, whether turns were
 * left out or not. Returns undefined if too little would be dropped, or if the turns before it have not all ended. `currentTurnId` is a turn that is about to
 * continue, so it stays.
 */
export function laterCheckpoint(
  { checkpoint, events }: LogSince,
  currentTurnId: string | undefined,
  mostTokens?: number,
): Required<LogSince> | undefined {
  const compaction = latest("compaction", events, currentTurnId);
  const trim = latest("trim", events, currentTurnId);
  const shortenings = [compaction, trim].filter((event) => event !== undefined);
  if (shortenings.length === 0 && mostTokens === undefined) return undefined;
  const ranges = turnRanges(events);
  const firstOf = ({ turnId }: { turnId: string }) => ranges.get(turnId)?.first ?? 0;
  // Other turns read the log without a summary or a trim of a turn that has not ended, or that a rewind took back and that is tried again.
  const isCertain = ({ turnId }: { turnId: string }) => turnId !== currentTurnId && ranges.get(turnId)?.hasEnded;
  if (!shortenings.every(isCertain)) return undefined;
  const needed =
    mostTokens === undefined
      ? shownTurns(events, currentTurnId)
      : lastTurns(
          uncompacted(events, currentTurnId).filter(({ turnId, end }) => end && turnId !== currentTurnId),
          mostTokens,
        );
  const limit = smallest([...needed, ...shortenings].map(firstOf));
  const from = cleanStarts(events, ranges, currentTurnId).findLast((seq) => seq <= limit);
  const at = events.findIndex(({ seq }) => seq === from);
  const first = events[at];
  if (!first || from === undefined || at < events.length * leastDropped) return undefined;
  const before = events.slice(0, at);
  const turns = readTurns(events, currentTurnId).filter((turn) => firstOf(turn) < from);
  const covered = compaction?.upToSeq ?? 0;
  const processes = new Map(checkpoint?.processes);
  for (const event of withoutRewound(events, currentTurnId)) {
    if (event.seq >= from) break;
    noteProcess(processes, event);
  }
  const tools = { found: new Set(checkpoint?.found), resultIds: new Set(checkpoint?.resultIds) };
  for (const event of before) noteTools(tools, event);
  return {
    checkpoint: {
      version,
      from,
      turnId: first.turnId,
      madeAt: events.at(-1)?.seq ?? from,
      rewindableFrom: Math.max(from - 1, largest(shortenings.map(firstOf))),
      isTrimmed:
        (mostTokens === undefined && turns.some(({ end }) => end && end.seq > covered)) ||
        (checkpoint?.isTrimmed === true && covered < checkpoint.from - 1),
      spent: spentIn(before, checkpoint?.spent),
      calls: (checkpoint?.calls ?? 0) + callsIn(before),
      compared: modelsIn(turns, checkpoint).map((model) => ({
        ...model,
        ...comparedTokens(turns, model, comparedBefore(checkpoint, model)),
      })),
      found: [...tools.found],
      resultIds: [...tools.resultIds],
      processes: [...processes],
    },
    events: events.slice(at),
  };
}

/** Returns the last of these turns that have `mostTokens` tokens or a little more, or all if they have fewer. */
function lastTurns(turns: readonly TurnRecord[], mostTokens: number): TurnRecord[] {
  let tokens = 0;
  const reachesMost = (turn: TurnRecord) => {
    tokens += tokensOf(turnMessages([turn]));
    return tokens >= mostTokens;
  };
  return turns.slice(Math.max(0, turns.findLastIndex(reachesMost)));
}

/** Returns the models that have answered in these turns or before the checkpoint. */
function modelsIn(turns: readonly TurnRecord[], checkpoint: Checkpoint | undefined): ModelName[] {
  const answers = turns.flatMap(({ hops }) => hops.map(({ answer }) => answer));
  const models = [...(checkpoint?.compared ?? []), ...answers];
  const named = models.map(({ provider, model }) => [JSON.stringify([provider, model]), { provider, model }] as const);
  return [...new Map(named).values()];
}

interface TurnRange {
  first: number;
  last: number;
  hasEnded: boolean;
}

function turnRanges(events: readonly StoredEvent[]): Map<string, TurnRange> {
  const ranges = new Map<string, TurnRange>();
  for (const event of events) {
    if (isOfNoTurn(event.type)) continue;
    const range = ranges.get(event.turnId);
    const [last, hasEnded] = [event.seq, isTurnEnd(event)];
    if (range) Object.assign(range, { last, hasEnded });
    else ranges.set(event.turnId, { first: event.seq, last, hasEnded });
  }
  return ranges;
}

/** Returns the `seq` of each event that begins a turn while no other turn is unfinished. */
function cleanStarts(
  events: readonly StoredEvent[],
  ranges: ReadonlyMap<string, TurnRange>,
  currentTurnId: string | undefined,
): number[] {
  const starts: number[] = [];
  let lastOfEarlier = 0;
  for (const { type, turnId, seq } of events) {
    const range = ranges.get(turnId);
    if (!range || range.first !== seq) continue;
    if (type === "user_message" && lastOfEarlier < seq) starts.push(seq);
    lastOfEarlier = Math.max(lastOfEarlier, range.hasEnded && turnId !== currentTurnId ? range.last : Number.MAX_VALUE);
  }
  return starts;
}
