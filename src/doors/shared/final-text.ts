import type { TurnEvent } from "../../core/events.js";

/**
 * Removes the text from an assistant message that calls tools. Used for turns whose answer must be JSON: only the last message is that
 * JSON, and text before a tool call is not part of it.
 */
export function withFinalText<Event extends TurnEvent>(event: Event): Event {
  if (event.type !== "assistant_message" || event.message.toolCalls.length === 0) return event;
  return { ...event, message: { ...event.message, content: "" } };
}
