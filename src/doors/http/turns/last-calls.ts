import type { StoredEvent } from "../../../core/events.js";
import type { ToolCall } from "../../../core/messages.js";
import { callId, type TurnKey } from "./turn-ids.js";

/**
 * Returns the tool calls of the turn's last answer, with the ids that the caller knows. `firstIndex` is the index of the first call among all
 * calls of the turn.
 */
export function lastCalls(events: readonly StoredEvent[], turnKey: TurnKey): { calls: ToolCall[]; firstIndex: number } {
  const answers = events.flatMap((event) => (event.type === "assistant_message" && !event.interrupted ? [event] : []));
  const { toolCalls = [] } = answers.at(-1)?.message ?? {};
  const firstIndex = answers.reduce((sum, { message }) => sum + message.toolCalls.length, 0) - toolCalls.length;
  return { firstIndex, calls: toolCalls.map((call, index) => ({ ...call, id: callId(turnKey, firstIndex + index) })) };
}
