/** The answers of one turn with the results of their calls, for front doors whose callers bring their own history. */
import type { AssistantMessage, Message, StoredEvent, ToolCall } from "../core/chat.js";
import { answerOf, resultOf } from "../history/replay.js";
import { readTurn, readTurns, type TurnRecord, validHops } from "../history/turns.js";

interface AnsweredCall {
  call: ToolCall;
  /** The result that the model sees. Undefined for a call that the turn's caller carries out. */
  result?: Message;
}

export interface TurnAnswer {
  message: AssistantMessage;
  calls: AnsweredCall[];
}

/** Reads the events of one turn, with or without its user message. */
export function answersOf(events: readonly StoredEvent[]): TurnAnswer[] {
  return answersIn(readTurn(events));
}

/** Returns the latest turn of a conversation that was answered: its caller may have results for its calls. */
export function lastAnswers(events: readonly StoredEvent[]): { turnId: string; answers: TurnAnswer[] } | undefined {
  const last = readTurns(events).findLast(({ hops }) => hops.length > 0);
  return last && { turnId: last.turnId, answers: answersIn(last) };
}

function answersIn(turn: TurnRecord): TurnAnswer[] {
  return validHops(turn).map((hop) => ({
    message: answerOf(hop),
    calls: hop.calls.map((call) =>
      call.planned ? { call: call.call, result: resultOf(call, turn) } : { call: call.call },
    ),
  }));
}
