/**
 * Results of the caller's tools in an API call that continues a conversation of the log. Orders them as providers require, and refuses results
 * that fit no tool call.
 */
import { isDeepStrictEqual } from "node:util";
import type { StoredEvent } from "../../../core/events.js";
import { isTurnEnd } from "../../../core/events.js";
import type { ContentPart, Message } from "../../../core/messages.js";
import { callerTurns } from "../../../session/turns/turn-answers.js";
import { ApiError } from "../shared/api-errors.js";
import { callerCallsOf, modelIdOf, turnOfOpenCalls } from "./open-calls.js";

export interface ContinuedLog {
  events: readonly StoredEvent[];
  /** Id of the API call, if the caller has given one. If the API call is a repetition, events from its first attempt on are ignored. */
  requestId?: string | undefined;
}

interface SentResults {
  messages: Message[];
  /** Number of the event that the results of the caller's tools follow. Undefined if the API call has no results. */
  continues?: number;
}

/**
 * Orders the messages of an API call that continues a conversation: system messages, then the results of the open tool calls, then the user's
 * messages. The open tool calls are those of the log's last answer that the caller runs; their results get the model's ids. Messages from the
 * first assistant message on stay as they are.
 *
 * Drops results that an earlier turn has brought, if the API call brings anything new or the last turn got no answer: the caller sends them
 * again then, and providers refuse a second result of a tool call, in every later request.
 *
 * Drops a user message that equals the last question of the log and stands before the results: clients send the question again with
 * the results of their tools (`http/clients.ts`), and behind the results the model would answer it once more.
 *
 * Throws ApiError: 400 for any other result; 409 `request_mismatch` if this API call has the same id as the call that made the tool calls; 409 `busy` for
 * results while the last turn has not ended; 409 `conflict` if this API call failed before and a later one was answered, because its messages
 * would stand behind that answer.
 */
export function withResultsOfOpenCalls(
  messages: readonly Message[],
  { events: all, requestId }: ContinuedLog,
): SentResults {
  const own = all.findIndex((event) => event.type === "user_message" && event.requestId === requestId);
  const events = own < 0 ? all : all.slice(0, own);
  if (own >= 0) refuseIfOvertaken(all.slice(own));
  const answerAt = messages.findIndex(({ role }) => role === "assistant");
  const head = answerAt < 0 ? messages : messages.slice(0, answerAt);
  const turns = callerTurns(events);
  const { open, brought } = callerCallsOf(turns);
  const sent = head.flatMap((message) => (message.role === "tool" ? [message] : []));
  const resultsAt = head.findIndex(({ role }) => role === "tool");
  const question = lastQuestion(events);
  const others = head.filter(
    (message, at) => message.role === "user" && !(at < resultsAt && isDeepStrictEqual(message.content, question)),
  );
  const isNew = others.length > 0 || sent.some(({ toolCallId }) => modelIdOf(open, toolCallId) !== undefined);
  const mayRepeat = isNew || turns.at(-1)?.isAnswered === false;
  const results = sent.flatMap((message) => {
    const toolCallId = modelIdOf(open, message.toolCallId);
    if (toolCallId !== undefined) return [{ ...message, toolCallId }];
    if (mayRepeat && modelIdOf(brought, message.toolCallId) !== undefined) return [];
    if (own >= 0) refuseIfOwn(all.slice(own), message.toolCallId);
    const text = `No tool call found for function call output with call_id ${message.toolCallId}.`;
    throw new ApiError(400, "invalid_request_error", text, "input");
  });
  if (sent.length > 0) requireEnded(events, results.length > 0 ? turnOfOpenCalls(turns) : undefined);
  const system = head.filter(({ role }) => role === "system");
  const continues = sent.length > 0 ? events.at(-1)?.seq : undefined;
  return {
    messages: [...system, ...results, ...others, ...messages.slice(head.length)],
    ...(continues === undefined ? {} : { continues }),
  };
}

/**
 * Throws ApiError if the last turn has not ended. The turn of the open tool calls may be unfinished: its last answer is stored, so its end is
 * about to follow.
 */
function requireEnded(events: readonly StoredEvent[], openCallsTurnId: string | undefined): void {
  const request = events.findLast(({ type }) => type === "user_message");
  if (!request || request.turnId === openCallsTurnId) return;
  // The last event counts: a turn that failed may have been resumed. Until it stores something, it still counts as ended.
  const last = events.findLast(({ turnId }) => turnId === request.turnId);
  if (last && isTurnEnd(last)) return;
  const text =
    "A turn of this conversation has not ended. Send results of tools when it has; with an X-Request-Id, the same in all attempts, a repetition gets the answer of the first attempt.";
  throw new ApiError(409, "busy", text);
}

function lastQuestion(events: readonly StoredEvent[]): readonly ContentPart[] | undefined {
  const asks = (event: StoredEvent) => event.type === "user_message" && event.content.length > 0;
  const event = events.findLast(asks);
  return event?.type === "user_message" ? event.content : undefined;
}

/** Throws ApiError if the result answers a tool call of these events: the API call is the next one, and has the id of the one before. */
function refuseIfOwn(own: readonly StoredEvent[], toolCallId: string): void {
  const { open, brought } = callerCallsOf(callerTurns(own));
  if (modelIdOf(open, toolCallId) === undefined && modelIdOf(brought, toolCallId) === undefined) return;
  const text =
    "The id of this call (Idempotency-Key, X-Request-Id) is that of the call that made these tool calls. In a conversation, send an id of its own with each call.";
  throw new ApiError(409, "request_mismatch", text);
}

/** Throws ApiError if the turn of the first event failed, and a later turn was answered. */
function refuseIfOvertaken([first, ...later]: readonly StoredEvent[]): void {
  const end = later.findLast((event) => event.turnId === first?.turnId && isTurnEnd(event));
  const isAnswered = later.some(({ turnId, type }) => turnId !== first?.turnId && type === "assistant_message");
  if (end?.type !== "turn_error" || !isAnswered) return;
  const text =
    "This call failed, and the conversation has continued with a later one. Send what is new under a new id.";
  throw new ApiError(409, "conflict", text, "input");
}
