/** Chooses the turns that a summary replaces (compaction) or that are left out (trim). Pure functions. */
import type { StoredEvent } from "../../core/events.js";
import type { Message } from "../../core/messages.js";
import { moveResults, needsEarlierCalls, withoutFirstResults } from "./caller-results.js";
import { tokensOf } from "./estimate.js";
import { latest, turnMessages, turnsToSend, uncompacted } from "./replay.js";
import type { HopRecord, TurnRecord } from "./turn-records.js";

export interface CompactionPlan {
  /** `seq` of the last event that the summary covers. The summary covers every turn that ended at or before this event. */
  upToSeq: number;
  /** Estimated tokens of the turns that the summary covers. */
  tokens: number;
  /** Text of the previous summary, if there is one. The new summary must include its content. */
  previous?: string;
  messages: Message[];
}

/**
 * Returns a plan that keeps the current turn, and as many turns before it as fit into `keepTokens`. The current turn does not count. Returns
 * undefined if no turn remains to be summarised. Turns that a trim has left out are summarised too.
 */
export function planCompaction(
  events: readonly StoredEvent[],
  currentTurnId: string,
  keepTokens: number,
): CompactionPlan | undefined {
  const all = uncompacted(events, currentTurnId);
  const turns = withoutNeeded(olderTurns(all, currentTurnId, keepTokens), all, currentTurnId);
  const upToSeq = turns.at(-1)?.end?.seq;
  if (upToSeq === undefined) return undefined;
  const previous = latest("compaction", events, currentTurnId)?.summary;
  const messages = previous === undefined ? turnMessages(turns) : withoutFirstResults(turnMessages(turns));
  // The results that the next turn has brought are summarised together with their calls.
  moveResults(all[turns.length]?.history ?? [], messages);
  return { upToSeq, tokens: tokensOf(messages), previous, messages };
}

/**
 * Returns a plan for a trim that keeps the current turn, and as many turns before it as fit into `keepTokens` together with the current turn, which is
 * kept even if it does not fit. A task of the caller's tools is kept whole, or left out whole if `takesTask`. `tokens` is the estimate for the turns that
 * are left out. Returns undefined if no turn can be left out.
 */
export function planTrim(
  events: readonly StoredEvent[],
  currentTurnId: string,
  keepTokens: number,
  takesTask = false,
): Pick<CompactionPlan, "upToSeq" | "tokens"> | undefined {
  const turns = turnsToSend(events, currentTurnId);
  const current = turns.filter(({ turnId }) => turnId === currentTurnId);
  const remaining = keepTokens - tokensOf(turnMessages(current, currentTurnId));
  const older = outsideTask(olderTurns(turns, currentTurnId, remaining), turns, takesTask);
  const upToSeq = older.at(-1)?.end?.seq;
  return upToSeq === undefined ? undefined : { upToSeq, tokens: tokensOf(turnMessages(older)) };
}

/**
 * Returns the turns that have ended, without the current turn and without the latest turns that fit into `keepTokens`. They are the beginning of `all`,
 * because `readTurns` puts ended turns first.
 */
function olderTurns(all: readonly TurnRecord[], currentTurnId: string, keepTokens: number): TurnRecord[] {
  const turns = all.filter(({ turnId, end }) => end && turnId !== currentTurnId);
  let kept = 0;
  const fits = (turn: TurnRecord) => {
    kept += tokensOf(turnMessages([turn]));
    return kept <= keepTokens;
  };
  let end = turns.findLastIndex((turn) => !fits(turn)) + 1;
  while (end > 0 && all[end]?.isSameAgain) end--; // keeps a repeated request together with the failed turn whose answer it replaces
  return turns.slice(0, end);
}

/**
 * Returns those of `older` that a summary can replace. If the current turn brings results of the caller's tools, the turn with their calls must
 * stay too, so the summary ends before that turn. Results of other turns that stay need no such care: `planCompaction` summarises them together with
 * their calls.
 */
function withoutNeeded(
  older: readonly TurnRecord[],
  all: readonly TurnRecord[],
  currentTurnId: string,
): readonly TurnRecord[] {
  const current = all.find(({ turnId }) => turnId === currentTurnId);
  if (!current || !needsEarlierCalls(current)) return older;
  const callsAt = all.findLastIndex(({ turnId, hops }) => turnId !== currentTurnId && hops.some(hasCalls));
  return callsAt < 0 ? older : older.slice(0, callsAt);
}

function hasCalls({ calls }: HopRecord): boolean {
  return calls.length > 0;
}

/**
 * Returns the turns to leave out without a summary: about as many as `older`. A turn that begins with results of the caller's tools goes with the turn
 * before, which made the calls: without these, the model would not know what the results are for. So if `older` ends within a task, the beginning of the
 * task is kept too, or, if `takesTask`, the rest of it is left out too, unless the current turn belongs to it.
 */
function outsideTask(
  older: readonly TurnRecord[],
  all: readonly TurnRecord[],
  takesTask: boolean,
): readonly TurnRecord[] {
  const end = older.length;
  const next = takesTask ? all.findIndex((turn, index) => index >= end && !needsEarlierCalls(turn)) : -1;
  if (next >= 0) return all.slice(0, next);
  const isWithin = (index: number) => all[index] !== undefined && needsEarlierCalls(all[index]);
  let start = end;
  while (start > 0 && isWithin(start)) start--;
  return older.slice(0, start);
}
