import type { ErrorInfo, StopReason, StoredEvent } from "../../core/events.js";
import type { Observe } from "../../core/ports.js";
import { summarizeTurn } from "../../session/shared/summary.js";
import type { LiveTurn } from "../../session/turns/live-turn.js";
import { stopNote } from "./turn-lines.js";

const limitReasons: ReadonlySet<StopReason> = new Set(["budget", "max_tool_hops"]);

/**
 * Returns the error of a turn that a limit ended before the model had written any text. Returns undefined for all other turns. Programs
 * would take the empty text of such a turn for an answer.
 */
export function limitFailure(events: readonly StoredEvent[]): ErrorInfo | undefined {
  const end = events.at(-1);
  if (end?.type !== "turn_end" || !limitReasons.has(end.stopReason)) return undefined;
  const summary = summarizeTurn(events);
  if (summary.text.trim() !== "") return undefined;
  return { kind: "limit", message: stopNote(summary) ?? "a limit stopped the turn", retryable: false, hint: "" };
}

/** Turns whose failure was logged. A request that is sent again while its turn runs gets the same turn. */
const logged = new WeakSet<LiveTurn>();

/** Returns the same as `limitFailure`, and logs the error once per turn. */
export function loggedLimitFailure(
  events: readonly StoredEvent[],
  { turn, observe }: { turn: LiveTurn; observe: Observe | undefined },
): ErrorInfo | undefined {
  const error = limitFailure(events);
  if (error && !turn.cached && !logged.has(turn)) {
    logged.add(turn);
    observe?.({ level: "warn", scope: "session", message: error.message, fields: { turn: turn.turnId } });
  }
  return error;
}
