import type { TurnEvent } from "../core/chat.js";

/** Removes the text that the model wrote next to tool calls: in a structured answer only the last message is the JSON. */
export function withFinalText<Event extends TurnEvent>(event: Event): Event {
  if (event.type !== "assistant_message" || event.message.toolCalls.length === 0) return event;
  return { ...event, message: { ...event.message, content: "" } };
}
