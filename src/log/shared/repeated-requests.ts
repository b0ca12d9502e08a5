/** Decides whether a request may be stored: an earlier one with its id must be the same, and nothing may have come between. */
import { isDeepStrictEqual } from "node:util";
import { RequestError } from "../../core/errors.js";
import type { StoredEvent, UserMessageEvent } from "../../core/events.js";
import { type ContentPart, withoutUnknownPicture } from "../../core/messages.js";

/** Throws RequestError `request_mismatch` if the stored message with this request id has another content. */
export function requireSameContent({ requestId, content }: UserMessageEvent, known: StoredEvent | undefined): void {
  if (known?.type !== "user_message" || !isSameContent(known.content, content)) throw requestMismatch(requestId);
}

export function isSameContent(one: readonly ContentPart[], other: readonly ContentPart[]): boolean {
  const compared = (content: readonly ContentPart[]): unknown =>
    JSON.parse(JSON.stringify(content, withoutUnknownPicture));
  return isDeepStrictEqual(compared(one), compared(other));
}

export function requestMismatch(requestId: string): RequestError {
  return new RequestError("request_mismatch", `request id "${requestId}" was already used with other content`, {
    hint: "send a new request_id for a new message",
  });
}

/**
 * Returns true if a new message can continue the event `seq`: the event is still in the log, and no message or rewind follows it. The second
 * parameter holds the stored events from `seq` on.
 */
export function canContinue(seq: number, [first, ...later]: readonly StoredEvent[]): boolean {
  return first?.seq === seq && !later.some(({ type }) => type === "user_message" || type === "rewind");
}

/** Throws RequestError `busy`. Called if a new message cannot continue its event. */
export function throwChanged(conversationId: string): never {
  const text = `${conversationId} has changed meanwhile: another message came first, or turns were taken back or deleted`;
  throw new RequestError("busy", text);
}
