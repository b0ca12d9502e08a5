/**
 * Results of the caller's tools in a call that continues a conversation of the log: puts them in the order that providers require, and refuses
 * those that fit no call.
 */
import type { StoredEvent } from "../../../core/events.js";
import { isTurnEnd } from "../../../core/events.js";
import type { Message } from "../../../core/messages.js";
import { type CallerTurn, callerTurns } from "../../../session/turns/turn-answers.js";
import { ApiError } from "../shared/api-errors.js";
import { placeOfItem } from "./turn-place.js";

/** The log of the conversation that a call continues. */
export interface ContinuedLog {
  events: readonly StoredEvent[];
  /** Id of the call, if the caller has given one. If the call is a repetition, events from its first attempt on are ignored. */
  requestId?: string | undefined;
}

interface SentResults {
  messages: Message[];
  /** Number of the event that the results of the caller's tools follow. Undefined if the call has no results. */
  continues?: number;
}

/**
 * Orders the messages of a call that continues a conversation: system messages, then the results of the open calls, then the user's messages.
 * The open calls are those of the log's last answer that the caller runs; their results get the model's ids. Messages from the caller's first
 * answer on stay as they are.
 *
 * Drops results that an earlier turn has brought, if the call brings anything new or the last turn got no answer: the caller sends them again
 * then, and providers refuse a second result of a call, in every later request.
 *
 * Throws ApiError: 400 for any other result; 409 `busy` for results while the last turn has not ended; 409 `conflict` if this call failed
 * before and a later call was answered, because the results would stand behind that answer.
 */
export function withOpenResults(messages: readonly Message[], { events: all, requestId }: ContinuedLog): SentResults {
  const own = all.findIndex((event) => event.type === "user_message" && event.requestId === requestId);
  const events = own < 0 ? all : all.slice(0, own);
  if (own >= 0) requireLatest(all.slice(own));
  const answerAt = messages.findIndex(({ role }) => role === "assistant");
  const head = answerAt < 0 ? messages : messages.slice(0, answerAt);
  const turns = callerTurns(events);
  const { open, brought } = callsOf(turns);
  const sent = head.flatMap((message) => (message.role === "tool" ? [message] : []));
  const others = head.filter(({ role }) => role === "user");
  const isNew = others.length > 0 || sent.some(({ toolCallId }) => modelIdOf(open, toolCallId) !== undefined);
  const mayRepeat = isNew || turns.at(-1)?.isAnswered === false;
  const results = sent.flatMap((message) => {
    const toolCallId = modelIdOf(open, message.toolCallId);
    if (toolCallId !== undefined) return [{ ...message, toolCallId }];
    if (mayRepeat && modelIdOf(brought, message.toolCallId) !== undefined) return [];
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
 * Throws ApiError if the last turn has not ended. `answered`: the turn with the open calls. It is let through: its last answer is stored, so
 * its end is about to follow.
 */
function requireEnded(events: readonly StoredEvent[], answered: string | undefined): void {
  const request = events.findLast(({ type }) => type === "user_message");
  if (!request || request.turnId === answered) return;
  // The last event counts: a turn that failed may have been resumed. Until it stores something, it still counts as ended.
  const last = events.findLast(({ turnId }) => turnId === request.turnId);
  if (last && isTurnEnd(last)) return;
  const text =
    "A turn of this conversation has not ended. Send results of tools when it has; with an X-Request-Id, the same in all attempts, a repetition gets the answer of the first attempt.";
  throw new ApiError(409, "busy", text);
}

/** Throws ApiError if the turn of the first event failed, and a later turn was answered. */
function requireLatest([first, ...later]: readonly StoredEvent[]): void {
  const end = later.findLast((event) => event.turnId === first?.turnId && isTurnEnd(event));
  const isAnswered = later.some(({ turnId, type }) => turnId !== first?.turnId && type === "assistant_message");
  if (end?.type !== "turn_error" || !isAnswered) return;
  const text =
    "This call failed, and the conversation has continued with a later one. Send what is new under a new id.";
  throw new ApiError(409, "conflict", text, "input");
}

/**
 * Calls that the caller of the API runs itself. Each call has two entries: one under its index in the turn, which the caller's id contains,
 * and one under the model's id. The value of both is the model's id. The conversation in the caller's id does not count, because the turn
 * may be in a copy of it.
 */
type CallerCalls = Map<string, string>;

/** Returns the open calls, and those whose results a turn has brought. */
function callsOf(turns: readonly CallerTurn[]): { open: CallerCalls; brought: CallerCalls } {
  let open: CallerCalls = new Map();
  const brought: CallerCalls = new Map();
  for (const turn of turns) {
    for (const [name, id] of open) {
      if (!turn.broughtIds.has(id)) continue;
      open.delete(name);
      brought.set(name, id);
    }
    if (turn.answers.length > 0) open = openCallsOf(turn);
  }
  return { open, brought };
}

/** Returns the calls of the turn's last answer that the host does not run. */
function openCallsOf({ turnId, answers }: CallerTurn): CallerCalls {
  const open: CallerCalls = new Map();
  const last = answers.at(-1)?.calls ?? [];
  for (const [index, answered] of answers.flatMap(({ calls }) => calls).entries()) {
    if (answered.result || !last.includes(answered)) continue;
    const { id } = answered.call;
    open.set(keyInTurn({ turnId, index }), id).set(id, id);
  }
  return open;
}

/** Returns the model's id of a call. `id` is the model's or the caller's. Returns undefined if the call is not among these calls. */
function modelIdOf(calls: CallerCalls, id: string): string | undefined {
  const place = placeOfItem(id);
  return calls.get(id) ?? (place && calls.get(keyInTurn(place)));
}

/** Returns the id of the latest turn that has answers: the turn of the open calls. */
function turnOfOpenCalls(turns: readonly CallerTurn[]): string | undefined {
  return turns.findLast(({ answers }) => answers.length > 0)?.turnId;
}

function keyInTurn({ turnId, index }: { turnId: string; index: number }): string {
  return `${turnId} ${index}`;
}
