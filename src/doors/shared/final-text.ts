import type { TurnEvent } from "../../core/events.js";

/** Removes the text of an assistant message that calls tools. In a structured answer only the last message is the JSON value. */
export function withFinalText<Event extends TurnEvent>(event: Event): Event {
  if (event.type !== "assistant_message" || event.message.toolCalls.length === 0) return event;
  return { ...event, message: { ...event.message, content: "" } };
}
