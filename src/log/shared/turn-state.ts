/** Reads from the last event of a turn whether it has ended, and refuses what unfinished turns forbid. */
import { type LlmErrorKind, passingKinds, RequestError } from "../../core/errors.js";
import type { ChatEvent, ErrorInfo, StoredEvent } from "../../core/events.js";

/**
 * Failures of requests to a model that pass, or that a person can fix: with another key, credit, model or setting. `retryable` is narrower: a host
 * or client may then repeat the request without a person. Other failures are final: the filter stops the
 * same text again, and after `output` the turn has its last answer, in the wrong form, and would end with it.
 */
const fixable: ReadonlySet<string> = new Set<LlmErrorKind>([
  ...passingKinds,
  "quota",
  "auth",
  "model_gone",
  "bad_request",
  "tool_generation_failed",
  "context_length",
  "html",
  "redirect",
  "protocol",
]);

function maySucceed({ kind, retryable }: ErrorInfo): boolean {
  return retryable || fixable.has(kind);
}

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
