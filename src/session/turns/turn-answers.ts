/** The model's answers in a turn, with the results of their calls. Used where callers send the whole history with each request. */
import type { StoredEvent } from "../../core/events.js";
import type { AssistantMessage, Message, ToolCall } from "../../core/messages.js";
import { answerOf, endsOfAnswers, toolMessageOf, wasRefused } from "../../log/folds/replay.js";
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

/** A turn of a conversation, with what it has of the tools that the caller of the API runs itself. */
export interface CallerTurn {
  turnId: string;
  /** Ids of the calls whose results the turn brought. */
  broughtIds: ReadonlySet<string>;
  answers: TurnAnswer[];
  /** True if the turn ended with an answer: it did not fail, and no limit or person stopped it. */
  isAnswered: boolean;
}

/**
 * Returns the turns of a conversation in the order of `readTurns`, without those that the provider refused: later requests do not have them. The
 * caller may be about to send results for calls of the latest answers.
 */
export function callerTurns(events: readonly StoredEvent[]): CallerTurn[] {
  const turns = readTurns(events).filter((turn) => !wasRefused(turn));
  return turns.map((turn) => ({
    turnId: turn.turnId,
    broughtIds: new Set(turn.history.flatMap((message) => (message.role === "tool" ? [message.toolCallId] : []))),
    answers: answersIn(turn),
    isAnswered: turn.end?.type === "turn_end" && endsOfAnswers.includes(turn.end.stopReason),
  }));
}

function answersIn(turn: TurnRecord): TurnAnswer[] {
  return validHops(turn).map((hop) => ({
    message: answerOf(hop),
    calls: hop.calls.map((call) =>
      call.planned ? { call: call.call, result: toolMessageOf(call, turn) } : { call: call.call },
    ),
  }));
}
