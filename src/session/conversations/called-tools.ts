import type { StoredEvent } from "../../core/events.js";
import { type ToolCall, textOf } from "../../core/messages.js";
import { isDenial } from "../../turn/tool-batch.js";

export interface AnsweredCall {
  call: ToolCall;
  /** Text of the result; empty if the call has no result. */
  text: string;
  isError: boolean;
  /** True if the policy or the user refused the call, so that it was not sent to its server. */
  isDenied: boolean;
}

export function calledTools(events: readonly StoredEvent[]): AnsweredCall[] {
  const results = events.flatMap((event) => (event.type === "tool_result" ? [event] : []));
  const sent = new Set(events.flatMap((event) => (event.type === "tool_sent" ? [event.callId] : [])));
  const calls = events.flatMap((event) => (event.type === "tool_call" ? [event.call] : []));
  return calls.map((call) => {
    const result = results.find(({ callId }) => callId === call.id);
    const text = result ? textOf(result.content) : "";
    const isError = result?.isError ?? false;
    return { call, text, isError, isDenied: isError && !sent.has(call.id) && isDenial(text) };
  });
}

/** Returns true if the result says that the policy or the user refused a direct call. */
export function isDeniedResult(result: { isError: boolean; text: string }): boolean {
  return result.isError && isDenial(result.text);
}
