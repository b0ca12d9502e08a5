/** Decisions about requests and turns that are the same in every store. Pure. */
import { isDeepStrictEqual } from "node:util";
import type { ChatEvent, CompactionEvent, ContentPart, StoredEvent, UserMessageEvent } from "../core/chat.js";
import { RequestError, StoreError } from "../core/errors.js";
import type { TurnMail } from "../core/store-ports.js";

/** Returns true if the turn has ended, or has failed in a way that a retry would not fix. */
export function isOver(last: StoredEvent | undefined): boolean {
  return last?.type === "turn_end" || (last?.type === "turn_error" && !last.error.retryable);
}

/** Returns the turn's state after this event: undefined while it continues, `failed` if repeating its request may help. */
export function stateAfter(event: ChatEvent | undefined): "ended" | "failed" | undefined {
  if (event?.type === "turn_error") return event.error.retryable ? "failed" : "ended";
  return event?.type === "turn_end" ? "ended" : undefined;
}

/** SQL condition for both databases: the turn waits or runs. */
export const isUnfinished = "state IN ('queued', 'running')";

/**
 * Accepts events that were stored before but whose acknowledgement was lost. Other events at these positions come from another process.
 * Throws StoreError `fenced`.
 */
export function same(there: readonly StoredEvent[], events: readonly ChatEvent[]): StoredEvent[] {
  return events.map((event, index) => {
    const found = there[index];
    if (!found) throw fenced(event.turnId);
    const { seq, at, ...known } = found;
    if (!isDeepStrictEqual(known, asStored(event))) throw fenced(event.turnId);
    return found;
  });
}

export function fenced(turnId: string): StoreError {
  return new StoreError("fenced", `another process has gone on with the turn ${turnId}`);
}

/** Throws RequestError `request_mismatch`. */
export function requireSameContent({ requestId, content }: UserMessageEvent, known: StoredEvent | undefined): void {
  if (known?.type !== "user_message" || !isSameContent(known.content, content)) throw requestMismatch(requestId);
}

export function isSameContent(one: readonly ContentPart[], other: readonly ContentPart[]): boolean {
  return isDeepStrictEqual(asStored(one), asStored(other));
}

export function requestMismatch(requestId: string): RequestError {
  return new RequestError("request_mismatch", `request id "${requestId}" was already used with another text`, {
    hint: "send a new request_id for a new message",
  });
}

export function questionOf(mail: TurnMail): string | null {
  return mail.type === "answer" ? mail.questionId : null;
}

/** Throws RequestError `busy`. */
export function refuseUnfinished(conversationId: string): never {
  throw new RequestError("busy", `a turn of ${conversationId} has not ended`, {
    hint: `wait for it or cancel it; one that a dead host has left goes on with: mcp-platform chat -r ${conversationId}`,
  });
}

/** Throws RequestError `busy`: some process owns a turn of the conversation. */
export function refuseHeld(conversationId: string): never {
  throw new RequestError("busy", `a turn of ${conversationId} runs or waits`, {
    hint: "wait for its end, or cancel it where it runs",
  });
}

/** Returns the event as it is in the copy, which begins with a fork event of its own. */
export function renumbered(
  { seq: _, at: __, ...compaction }: CompactionEvent & { seq: number; at: number },
  seqs: readonly number[],
): ChatEvent {
  return { ...compaction, upToSeq: 1 + seqs.filter((seq) => seq <= compaction.upToSeq).length };
}

/** Removes what JSON cannot carry, so that it does not count as a difference. */
function asStored(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
