import type { TurnEvent } from "../core/chat.js";

/** The event without what the model says beside calls of tools: an answer that is JSON is its last one alone. */
export function withFinalText<Event extends TurnEvent>(event: Event): Event {
  if (event.type !== "assistant_message" || event.message.toolCalls.length === 0) return event;
  return { ...event, message: { ...event.message, content: "" } };
}
