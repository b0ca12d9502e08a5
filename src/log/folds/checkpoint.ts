/**
 * A checkpoint holds what later turns need of the events before a position in the log. A turn then reads only the events from that position on, so
 * that it costs the same however long the conversation is. `later-checkpoint.ts` makes checkpoints.
 */

import { isOfNoTurn, isShortening } from "../../core/event-facts.js";
import type { StoredEvent } from "../../core/events.js";
import type { SpentTotals } from "../../core/usage-store.js";
import type { ComparedTokens } from "./estimate.js";

/** Raised when a checkpoint of another program would be wrong. Such a checkpoint is ignored, and a new one is made. */
export const checkpointVersion = 2;

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
  compared: (ModelName & ComparedTokens)[];
  found: string[];
  resultIds: string[];
  /** For each server, the host that ran it when it was last called. */
  processes: [server: string, nodeId: string][];
}

export interface ModelName {
  provider: string;
  model: string;
}

/** A conversation from a checkpoint on. Without a checkpoint, `events` are all events. */
export interface LogSince {
  checkpoint?: Checkpoint | undefined;
  events: readonly StoredEvent[];
}

/** Reads a stored checkpoint. Returns undefined if it was made by another version of this program. */
export function parseCheckpoint(text: string | undefined): Checkpoint | undefined {
  const checkpoint = text === undefined ? undefined : (JSON.parse(text) as Checkpoint);
  return checkpoint?.version === checkpointVersion ? checkpoint : undefined;
}

/** Returns what is known of this model from the turns before the checkpoint. */
export function comparedBefore(checkpoint: Checkpoint | undefined, target: ModelName): ComparedTokens | undefined {
  return checkpoint?.compared.find(({ provider, model }) => provider === target.provider && model === target.model);
}

/** Returns true if the checkpoint of the log still holds after `news`, the last events of the log. */
export function isValid({ checkpoint, events }: LogSince, news: readonly StoredEvent[]): boolean {
  if (!checkpoint) return true;
  const { from, turnId, madeAt } = checkpoint;
  const [first] = events;
  if (first?.seq !== from || first.turnId !== turnId) return false;
  const begun = new Set(events.flatMap((event) => (event.type === "user_message" ? [event.turnId] : [])));
  return !news.some((event) => event.seq > madeAt && needsEarlierEvents(event, checkpoint, begun));
}

/**
 * Returns true if this new event changes or continues something before the checkpoint. `begun` has the turns that have begun since the
 * checkpoint.
 */
function needsEarlierEvents(
  event: StoredEvent,
  { from, rewindableFrom }: Checkpoint,
  begun: ReadonlySet<string>,
): boolean {
  if (event.type === "rewind") return event.toSeq < rewindableFrom;
  if (isOfNoTurn(event)) return false;
  if (isShortening(event) && event.upToSeq < from - 1) return true;
  return event.type !== "user_message" && !begun.has(event.turnId);
}
