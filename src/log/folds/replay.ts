import type { LlmErrorKind } from "../../core/errors.js";
import { eventTypes } from "../../core/event-facts.js";
import type { AssistantMessageEvent, EventOf, StartedCall, StopReason, StoredEvent } from "../../core/events.js";
import { addAll, largest } from "../../core/lists/long-lists.js";
import type { AssistantMessage, FinishReason, Message } from "../../core/messages.js";
import { toolMessage } from "../../core/messages.js";
import { moveResults, refusedResults, withoutFirstResults } from "./caller-results.js";
import { withoutRewound } from "./rewind.js";
import { askedContent, type HopRecord, readTurn, readTurns, type TurnRecord, validHops } from "./turn-records.js";

/**
 * Returns the conversation as messages for a model. Strict providers accept these messages even if the log ends in the middle of a turn. Each call
 * has exactly one result. The results directly follow the answer that made the calls, in the order of the calls. No message is empty, and no answer
 * follows another one, except within a history that a caller has sent with its request. User messages may: a turn may end without an answer.
 * `currentTurnId` is the turn that the model is about to answer; this turn comes last, and if its last answer was interrupted, that answer is left
 * out. If turns were compacted, their summary is the first message. `resumeTurn` returns the same content in parts: the messages, the summary, and
 * the calls of the last answer.
 */
export function toMessages(events: readonly StoredEvent[], currentTurnId?: string): Message[] {
  const { messages, summary } = ownMessages(events, currentTurnId);
  return withSummary(messages, summary);
}

/** Returns the messages of the turns that the model gets, and the summary of earlier turns. */
function ownMessages(
  events: readonly StoredEvent[],
  currentTurnId: string | undefined,
): { messages: Message[]; summary: string | undefined } {
  const compaction = latest("compaction", events, currentTurnId);
  const shortenedAt = largest([0, ...latestShortenings(events, currentTurnId).map(({ seq }) => seq)]);
  const turns = turnsToSend(events, currentTurnId);
  const messages = turnMessages(turns, currentTurnId, shortenedAt);
  // Only the log's first turn may begin with results: its caller has sent its whole history. Of others, the calls are in a turn that is not sent.
  const isFirst = events[0]?.seq === 1 && turns[0]?.turnId === events[0].turnId;
  return { messages: isFirst ? messages : withoutFirstResults(messages), summary: compaction?.summary };
}

/**
 * Returns the messages of these turns, without a summary. `shortenedAt`: `seq` of the latest compaction or trim, 0 if there is none. Earlier answers
 * that have kept parts are marked `hasLostContext`: the model wrote them with messages that it no longer gets.
 */
export function turnMessages(turns: readonly TurnRecord[], currentTurnId?: string, shortenedAt = 0): Message[] {
  const messages: Message[] = [];
  let brokeOff = false;
  for (const turn of turns) {
    if (turn.turnId !== currentTurnId && wasRefused(turn)) {
      moveResults(refusedResults(turn), messages);
      continue;
    }
    // The turn's answer replaces the text of an answer that broke off: providers want no request that ends with an answer.
    if (turn.isSameAgain && brokeOff && messages.at(-1)?.role === "assistant") messages.pop();
    brokeOff = turn.hops.at(-1)?.answer.interrupted === true;
    const [first, ...rest] = moveResults(messagesOf(turn, currentTurnId, shortenedAt), messages);
    if (first) add(messages, first);
    addAll(messages, rest);
  }
  return messages;
}

/**
 * Returns the messages of a turn. If the turn has ended for good, the messages are computed only once, and every call returns the same
 * objects, because token counts and serialised messages are cached by object.
 */
function messagesOf(turn: TurnRecord, currentTurnId: string | undefined, shortenedAt: number): readonly Message[] {
  if (turn.turnId === currentTurnId || turn.end?.type !== "turn_end")
    return newMessagesOf(turn, currentTurnId, shortenedAt);
  const known = endedMessages.get(turn);
  if (known?.shortenedAt === shortenedAt) return known.messages;
  const messages = newMessagesOf(turn, currentTurnId, shortenedAt);
  endedMessages.set(turn, { messages, shortenedAt });
  return messages;
}

const endedMessages = new WeakMap<TurnRecord, { messages: readonly Message[]; shortenedAt: number }>();

function newMessagesOf(turn: TurnRecord, currentTurnId: string | undefined, shortenedAt: number): Message[] {
  const asked = askedContent(turn);
  const messages = [...turn.history];
  if (asked.length > 0) messages.push({ role: "user", content: asked });
  for (const hop of hopsToSend(turn, currentTurnId)) {
    const message = answerOf(hop);
    if (message.kept && hop.answer.seq < shortenedAt) message.hasLostContext = true;
    if (message.content.trim() === "" && message.toolCalls.length === 0) continue;
    add(messages, message);
    addAll(
      messages,
      hop.calls.map((call) => toolMessageOf(call, turn)),
    );
  }
  return messages;
}

/** Returns the turns that are not replaced by a summary, even if the model does not get them. The current turn is always among them. */
export function uncompacted(events: readonly StoredEvent[], currentTurnId?: string): TurnRecord[] {
  return turnsAfter(latest("compaction", events, currentTurnId)?.upToSeq ?? 0, events, currentTurnId);
}

/** Returns the turns that the model gets: those that are neither summarised nor left out. The current turn is always among them. */
export function turnsToSend(events: readonly StoredEvent[], currentTurnId?: string): TurnRecord[] {
  const ends = latestShortenings(events, currentTurnId).map(({ upToSeq }) => upToSeq);
  return turnsAfter(largest([0, ...ends]), events, currentTurnId);
}

/** Returns the turns that ended after the event with this `seq`, those that have not ended, and the current turn. */
function turnsAfter(seq: number, events: readonly StoredEvent[], currentTurnId: string | undefined): TurnRecord[] {
  return readTurns(events, currentTurnId).filter(
    ({ turnId, end }) => turnId === currentTurnId || !end || end.seq > seq,
  );
}

/** Returns the last event of each type that shortens the history, as `latest` does. */
export function latestShortenings(events: readonly StoredEvent[], currentTurnId?: string) {
  return eventTypes("isShortening").flatMap((type) => latest(type, events, currentTurnId) ?? []);
}

/**
 * Returns the last event of this type that is still part of the conversation. An event that was rewound together with its turn is not.
 * Earlier events of the type are not needed: a summary repeats the previous one, and a trim leaves out at least as many turns.
 */
export function latest<Type extends StoredEvent["type"]>(
  type: Type,
  events: readonly StoredEvent[],
  currentTurnId?: string,
): EventOf<Type> | undefined {
  const isWanted = (event: StoredEvent): event is EventOf<Type> => event.type === type;
  return withoutRewound(events, currentTurnId).findLast(isWanted);
}

/**
 * Returns the messages with the summary in front. The summary is a user message, because its content comes from tools and users, and must
 * not get more authority than they have.
 */
export function withSummary(messages: readonly Message[], summary: string | undefined): Message[] {
  if (summary === undefined) return [...messages];
  const summaryMessage: Message = {
    role: "user",
    content: [{ type: "text", text: `${summaryHead}\n${summary}\n${summaryEnd}` }],
  };
  return [summaryMessage, ...messages];
}

const summaryHead = "[Summary of the conversation so far, whose older messages are left out:]";
const summaryEnd = "[End of the summary.]";

/** The point at which an interrupted turn is continued: its last answer, with the state of each call in that answer. */
export interface ResumePoint {
  /** Number of answers that the turn had before this answer. */
  hop: number;
  finishReason: FinishReason;
  calls: StartedCall[];
}

/**
 * Returns what is needed to continue a turn: the messages up to its last answer, the summary before them, and in `point` the state of that
 * answer's calls. If the model has not answered in this turn, `point` is undefined.
 */
export function resumeTurn(
  events: readonly StoredEvent[],
  turnId: string,
): { messages: Message[]; summary?: string; point?: ResumePoint } {
  const { messages, summary } = ownMessages(events, turnId);
  const hops = validHops(readTurn(events.filter((event) => event.turnId === turnId))).filter(
    ({ answer }) => !answer.interrupted,
  );
  const last = hops.at(-1);
  if (!last) return { messages, summary };
  const { finishReason } = last.answer;
  const upToAnswer = last.calls.length > 0 ? messages.slice(0, -last.calls.length) : messages;
  return { messages: upToAnswer, summary, point: { hop: hops.length - 1, finishReason, calls: last.calls } };
}

/**
 * Returns true if the provider rejected the turn's request (too long, filtered, an invalid picture), or if the turn ended with
 * `refusal` and each of its answers was filtered or interrupted. Such a turn is left out of later requests, because it would make them fail too.
 */
export function wasRefused({ hops, end }: TurnRecord): boolean {
  if (end?.type === "turn_end") return end.stopReason === "refusal" && hops.every(({ answer }) => wasFiltered(answer));
  return (
    hops.every(({ answer }) => answer.interrupted) && end?.type === "turn_error" && refusals.includes(end.error.kind)
  );
}

function wasFiltered({ interrupted, finishReason }: AssistantMessageEvent): boolean {
  return interrupted === true || finishReason === "content_filter";
}

const refusals: readonly string[] = ["context_length", "content_filter", "bad_request"] satisfies LlmErrorKind[];

/**
 * Returns the answers that the model gets. Leaves out interrupted answers of the current turn, because the model will answer again. Leaves out
 * filtered answers of earlier turns, because the filter would stop the next request too.
 */
function hopsToSend(turn: TurnRecord, currentTurnId?: string): HopRecord[] {
  const hops = validHops(turn);
  if (turn.turnId === currentTurnId) return hops.filter(({ answer }) => !answer.interrupted);
  return hops.filter(({ answer }) => answer.finishReason !== "content_filter");
}

/** Returns the message of the answer. An interrupted answer has no calls. */
export function answerOf({ answer, calls }: HopRecord): AssistantMessage {
  return { ...answer.message, toolCalls: calls.map(({ call }) => call) };
}

/** Returns the message that gives the model the result of its tool call. */
export function toolMessageOf({ call, planned, sent, result, note }: StartedCall, { end }: TurnRecord): Message {
  const isLeftToCaller = !planned && end?.type === "turn_end" && endsOfAnswers.includes(end.stopReason);
  const text = sent
    ? "outcome unknown: the host stopped before the result arrived"
    : isLeftToCaller
      ? "outcome unknown: the client that was to carry this call out gave no result"
      : "not run: the turn was stopped before this call";
  return toolMessage(call, result ?? { content: [{ type: "text", text }], isError: true }, note);
}

/** Stop reasons of turns that ended with an answer. Turns that were stopped by a limit or a person have other stop reasons. */
export const endsOfAnswers: readonly StopReason[] = ["end_turn", "max_tokens", "refusal"];

/** Appends a message. If it and the last message are answers, both are merged, because providers refuse two answers in a row. */
function add(messages: Message[], message: Message): void {
  const last = messages.at(-1);
  if (message.role === "assistant" && last?.role === "assistant") {
    messages[messages.length - 1] = { ...message, content: `${last.content}\n\n${message.content}` };
  } else {
    messages.push(message);
  }
}
