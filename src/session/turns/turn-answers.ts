/** The model's answers in a turn, with the results of their calls. Used where callers send the whole history with each request. */
import type { StoredEvent } from "../../core/events.js";
import type { AssistantMessage, Message, ToolCall } from "../../core/messages.js";
import { answerOf, toolMessageOf } from "../../log/folds/replay.js";
import { readTurn, readTurns, type TurnRecord, validHops } from "../../log/folds/turn-records.js";

interface CallWithResult {
  call: ToolCall;
  /** The result that the model gets. Undefined if the caller of the turn runs the call itself. */
  result?: Message;
}

export interface TurnAnswer {
  message: AssistantMessage;
  calls: CallWithResult[];
}

/** Returns the answers in the events of one turn. The event of the user message may be missing. */
export function answersOf(events: readonly StoredEvent[]): TurnAnswer[] {
  return answersIn(readTurn(events));
}

/**
 * Returns the answers of the latest turn that has answers. The caller of that turn may be about to send results for calls in these answers.
 */
export function lastAnswers(events: readonly StoredEvent[]): { turnId: string; answers: TurnAnswer[] } | undefined {
  const last = readTurns(events).findLast(({ hops }) => hops.length > 0);
  return last && { turnId: last.turnId, answers: answersIn(last) };
}

function answersIn(turn: TurnRecord): TurnAnswer[] {
  return validHops(turn).map((hop) => ({
    message: answerOf(hop),
    calls: hop.calls.map((call) =>
      call.planned ? { call: call.call, result: toolMessageOf(call, turn) } : { call: call.call },
    ),
  }));
}
