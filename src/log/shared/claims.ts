/** Decisions about requests and turns that every store makes in the same way. Pure functions. */
import { isDeepStrictEqual } from "node:util";
import { type LlmErrorKind, passingKinds, RequestError, StoreError } from "../../core/errors.js";
import type { ChatEvent, ErrorInfo, StoredEvent, UserMessageEvent } from "../../core/events.js";
import type { ContentPart } from "../../core/messages.js";
import type { TurnMail } from "../../core/turn-leases.js";

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

/** Returns true if the turn has ended, or has failed in a way that a repetition of its request cannot fix. */
export function isOver(last: StoredEvent | undefined): boolean {
  return last?.type === "turn_end" || (last?.type === "turn_error" && !maySucceed(last.error));
}

/**
 * Returns the state of the turn after this event. Undefined means that the turn continues. `failed` means that the turn may succeed if its
 * request is repeated.
 */
export function stateAfter(event: ChatEvent | undefined): "ended" | "failed" | undefined {
  if (event?.type === "turn_error") return maySucceed(event.error) ? "failed" : "ended";
  return event?.type === "turn_end" ? "ended" : undefined;
}

/**
 * Compares the stored events `there` with `events`, and returns `there` if they are equal. Equal events were stored by an earlier attempt
 * whose acknowledgement was lost. Throws StoreError `fenced` if they differ, because another process then wrote at these positions.
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
  return new StoreError("fenced", `another process has taken over the turn ${turnId}`);
}

/** Throws RequestError `request_mismatch` if the stored message with this request id has another content. */
export function requireSameContent({ requestId, content }: UserMessageEvent, known: StoredEvent | undefined): void {
  if (known?.type !== "user_message" || !isSameContent(known.content, content)) throw requestMismatch(requestId);
}

/**
 * Returns true if a new message can continue the event `seq`: the event is still in the log, and no message or rewind follows it. The second
 * parameter holds the stored events from `seq` on.
 */
export function canContinue(seq: number, [first, ...later]: readonly StoredEvent[]): boolean {
  return first?.seq === seq && !later.some(({ type }) => type === "user_message" || type === "rewind");
}

/** Throws RequestError `busy`. Called if a new message cannot continue its event. */
export function refuseFollowed(conversationId: string): never {
  const text = `${conversationId} has changed meanwhile: another message has come first, or turns were taken back or deleted`;
  throw new RequestError("busy", text);
}

export function isSameContent(one: readonly ContentPart[], other: readonly ContentPart[]): boolean {
  return isDeepStrictEqual(asStored(one), asStored(other));
}

export function requestMismatch(requestId: string): RequestError {
  return new RequestError("request_mismatch", `request id "${requestId}" was already used with other content`, {
    hint: "send a new request_id for a new message",
  });
}

export function questionOf(mail: TurnMail): string | null {
  return mail.type === "answer" ? mail.questionId : null;
}

/** Throws RequestError `busy`. Called if a turn of the conversation has not ended. */
export function refuseUnfinished(conversationId: string): never {
  throw new RequestError("busy", `a turn of ${conversationId} has not ended`, {
    hint: `wait for it or cancel it; a turn whose host has died is resumed by: mcp-platform chat -r ${conversationId}`,
  });
}

/** Throws RequestError `busy`. Called if a process owns a turn of the conversation. */
export function refuseHeld(conversationId: string): never {
  throw new RequestError("busy", `a turn of ${conversationId} runs or waits`, {
    hint: "wait for its end, or cancel it where it runs",
  });
}

/**
 * Returns a compaction or trim as it is stored in a copy, with `upToSeq` renumbered. Returns undefined for all other events, which are copied
 * unchanged. `seqs`: the `seq` of all copied events, in order. The copy begins with a fork event, so the copied events start at 2.
 */
export function renumbered({ seq: _, at: __, ...event }: StoredEvent, seqs: readonly number[]): ChatEvent | undefined {
  if (event.type !== "compaction" && event.type !== "trim") return undefined;
  return { ...event, upToSeq: 1 + seqs.filter((seq) => seq <= event.upToSeq).length };
}

/**
 * Returns the `seq` and the copy of those events that are not copied as they are stored: those that name other events, and messages with
 * a history, because an original may store it elsewhere. `seqs`: as in `renumbered`. Events that are not copied may be among the returned ones.
 */
export function changedInCopy(
  events: readonly StoredEvent[],
  seqs: readonly number[],
): [seq: number, copied: ChatEvent][] {
  return events.flatMap((event) => {
    const { seq, at: _, ...whole } = event;
    const copied = renumbered(event, seqs) ?? (whole.type === "user_message" && whole.history ? whole : undefined);
    return copied ? [[seq, copied]] : [];
  });
}

/**
 * Returns the value as it would be after a round trip through JSON. After this, values that differ only in what JSON cannot express are
 * equal.
 */
function asStored(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
