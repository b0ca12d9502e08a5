/** Reads from the last event of a turn whether it has ended, and refuses what unfinished turns forbid. */
import { maySucceed, RequestError } from "../../core/errors.js";
import type { ChatEvent, StoredEvent } from "../../core/events.js";

/** Returns true if the turn with this last event has ended, or has failed in a way that a repetition of its request cannot fix. */
export function isOver(last: StoredEvent | undefined): boolean {
  return stateAfter(last) === "ended";
}

/**
 * Returns the state of the turn after this event. Undefined means that the turn continues. `failed` means that the turn may succeed if its
 * request is repeated.
 */
export function stateAfter(event: ChatEvent | undefined): "ended" | "failed" | undefined {
  if (event?.type === "turn_error") return maySucceed(event.error) ? "failed" : "ended";
  return event?.type === "turn_end" ? "ended" : undefined;
}

/** Throws RequestError `busy`. Called if a turn of the conversation has not ended. */
export function throwUnfinished(conversationId: string): never {
  throw new RequestError("busy", `a turn of ${conversationId} has not ended`, {
    hint: `wait for it or cancel it; a turn whose host has died is resumed by: mcp-platform chat -r ${conversationId}`,
  });
}

/** Throws RequestError `busy`. Called if a process owns a turn of the conversation. */
export function throwOwned(conversationId: string): never {
  throw new RequestError("busy", `a turn of ${conversationId} is running or waiting`, {
    hint: "wait until it ends, or cancel it",
  });
}
