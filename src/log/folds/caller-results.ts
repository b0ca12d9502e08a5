/**
 * Results of tools that the caller of the API ran. In the log, they are the first messages of the turn that brings them. A provider wants them
 * directly after their calls, which an earlier turn made: the last one with an answer.
 */
import type { Message, ToolMessage } from "../../core/messages.js";
import type { TurnRecord } from "./turn-records.js";

/**
 * Changes `before`, the messages before a turn: puts the results at the beginning of the turn in place of the results that the calls of the last
 * answer in `before` have there (placeholders by `toolMessageOf`, or what an earlier attempt has brought). A result that has no call there is left
 * out: providers refuse it, and every later request with it. Returns the other messages of the turn. If `before` is empty, returns `own` unchanged:
 * the caller has sent its whole history, or the calls are not sent (see `withoutFirstResults`).
 */
export function moveResults(own: readonly Message[], before: Message[]): readonly Message[] {
  if (before.length === 0) return own;
  const answerAt = before.findLastIndex(({ role }) => role === "assistant");
  const results = firstResults(own);
  for (const result of results) {
    const at = before.findIndex((each, index) => index > answerAt && isResultOf(each, result.toolCallId));
    if (at >= 0) before[at] = result;
  }
  return own.slice(results.length);
}

/** Returns the messages without the results at their beginning. Their calls are in a turn that the model does not get: summarised, left out or taken back. */
export function withoutFirstResults(messages: Message[]): Message[] {
  return messages.slice(firstResults(messages).length);
}

/** Returns the results at the beginning of a refused turn, with their content replaced by a note. */
export function refusedResults({ history }: TurnRecord): Message[] {
  const text = "the client gave a result; it is left out, because the provider refused a request with it";
  return firstResults(history).map((result) => ({ ...result, content: [{ type: "text", text }] }));
}

/** Returns true if the turn begins with results, or answers the results that a failed turn before it has brought. */
export function needsEarlierCalls({ history, isSameAgain }: TurnRecord): boolean {
  return isSameAgain === true || history[0]?.role === "tool";
}

function firstResults(messages: readonly Message[]): ToolMessage[] {
  const results: ToolMessage[] = [];
  for (const message of messages) {
    if (message.role !== "tool") break;
    results.push(message);
  }
  return results;
}

function isResultOf(message: Message, callId: string): boolean {
  return message.role === "tool" && message.toolCallId === callId;
}
