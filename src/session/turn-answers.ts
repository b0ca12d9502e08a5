/** The answers of one turn with what became of their calls, for doors whose callers bring their own history. */
import type { AssistantMessage, ContentPart, Message, StoredEvent, ToolCall } from "../core/chat.js";
import { answerOf, resultOf } from "../history/replay.js";
import { readTurn, readTurns, type TurnRecord, validHops } from "../history/turns.js";

interface AnsweredCall {
  call: ToolCall;
  /** What the model is told of it. Undefined for a call that the turn's caller carries out. */
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

export interface AnsweredTurn {
  turnId: string;
  /** What its caller brought: results of the calls of the turn before come first. */
  history: readonly Message[];
  userContent: readonly ContentPart[];
  answers: TurnAnswer[];
}

/** Returns the turns of a conversation that were answered, in their order: its caller may have results for the calls of the last one. */
export function answeredTurns(events: readonly StoredEvent[]): AnsweredTurn[] {
  const turns = readTurns(events).filter(({ hops }) => hops.length > 0);
  return turns.map((turn) => {
    const { turnId, history, userContent } = turn;
    return { turnId, history, userContent, answers: answersIn(turn) };
  });
}

function answersIn(turn: TurnRecord): TurnAnswer[] {
  return validHops(turn).map((hop) => ({
    message: answerOf(hop),
    calls: hop.calls.map((call) =>
      call.planned ? { call: call.call, result: resultOf(call, turn) } : { call: call.call },
    ),
  }));
}
