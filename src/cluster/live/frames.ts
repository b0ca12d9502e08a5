/** Frames: pieces of messages that are still being written, sent between hosts as JSON texts that fit into a message of the bus. */
import { asArray, parseJson } from "../../core/json.js";
import { type Known, type MessagePosition, type Notice, nothingKnown, OpenMessage } from "./open-message.js";

/** A piece of a text, with its offset in the text. */
type TextPiece = [from: number, text: string];

export interface Frame extends MessagePosition {
  conversationId: string;
  text?: TextPiece;
  reasoning?: TextPiece;
  notices?: [number: number, notice: Notice][];
  /** Reason why the previous attempt was voided. */
  reason?: string;
}

const maxReasonLength = 200;

/**
 * Returns the next frame of a message for a reader, and what the reader has after that frame. The frame has at most `maxBytes` of JSON.
 * `known`: how much of the message the reader already has. If `known` is missing, there is a frame even for an empty message. Returns
 * undefined if the reader has everything. A notice that is too long for any frame is left out.
 */
export function nextFrame(
  conversationId: string,
  open: OpenMessage,
  known: Known | undefined,
  maxBytes: number,
): { json: string; known: Known } | undefined {
  const { text, reasoning, notice } = known ?? nothingKnown;
  const frame: Frame = { conversationId, ...open.place };
  if (!known && open.reason) frame.reason = open.reason.slice(0, maxReasonLength);
  let room = maxBytes - bytesOf(frame);
  if (room < 0) return undefined;
  const next = { text, reasoning, notice };
  for (const part of ["reasoning", "text"] as const) {
    const piece: TextPiece = [next[part], ""];
    const fitting = fittingPiece(open[part], next[part], room - bytesOf({ [part]: piece }));
    if (!fitting) continue;
    piece[1] = fitting;
    frame[part] = piece;
    next[part] += fitting.length;
    room -= bytesOf({ [part]: piece });
  }
  const notices: Frame["notices"] = [];
  for (const each of open.noticesAfter(notice)) {
    const bytes = bytesOf({ notices: [[each.number, each.notice]] });
    if (bytes <= room) notices.push([each.number, each.notice]);
    else if (bytes <= maxBytes / 2) break; // the notice does not fit into this frame, but it fits into the next one
    room -= bytes <= room ? bytes : 0;
    next.notice = each.number;
  }
  if (notices.length > 0) frame.notices = notices;
  const isNews = !known || next.text > text || next.reasoning > reasoning || next.notice > notice;
  return isNews ? { json: JSON.stringify(frame), known: next } : undefined;
}

/** Packs JSON texts into JSON lists of at most `maxBytes` each, in order. A text that is longer than that is left out. */
export function packed(texts: Iterable<string>, maxBytes: number): string[] {
  const lists: string[] = [];
  let list: string[] = [];
  let bytes = 0;
  const close = () => {
    if (list.length > 0) lists.push(`[${list.join()}]`);
    list = [];
    bytes = 0;
  };
  for (const text of texts) {
    const own = Buffer.byteLength(text) + 1;
    if (own + 1 > maxBytes) continue;
    if (bytes + own + 1 > maxBytes) close();
    list.push(text);
    bytes += own;
  }
  close();
  return lists;
}

/** Parses a list of frames. Skips frames that are invalid or of a later version. */
export function readFrames(text: string): Frame[] {
  return parseList(text).filter(isFrame);
}

export function parseList(text: string): unknown[] {
  return asArray(parseJson(text));
}

/** Adds the parts of the frame that the message lacks. Returns false if a part before the frame is missing. */
export function joinFrame(open: OpenMessage, { text, reasoning, notices = [] }: Frame): boolean {
  for (const [number, notice] of notices) open.notice(notice, number);
  const joined = (have: string, [from, piece]: TextPiece = [0, ""]) =>
    from > have.length ? undefined : have + piece.slice(have.length - from);
  const whole = { text: joined(open.text, text), reasoning: joined(open.reasoning, reasoning) };
  open.text = whole.text ?? open.text;
  open.reasoning = whole.reasoning ?? open.reasoning;
  return whole.text !== undefined && whole.reasoning !== undefined;
}

/** Returns an empty message with the position that the frame states. */
export function openOf({ turnId, after, fence, attempt, reason }: Frame): OpenMessage {
  return new OpenMessage({ turnId, after, fence, attempt }, reason);
}

/**
 * Returns the longest piece of the text, starting at `from`, whose JSON has at most `maxBytes` without the quotes. Never splits a
 * character.
 */
function fittingPiece(text: string, from: number, maxBytes: number): string {
  let length = Math.max(0, Math.min(text.length - from, maxBytes)); // a reader may claim to have more of the text than there is
  for (;;) {
    const last = text.charCodeAt(from + length - 1);
    if (length > 0 && from + length < text.length && last >= 0xd800 && last < 0xdc00) length--;
    const piece = text.slice(from, from + length);
    const bytes = bytesOf(piece) - 2;
    if (bytes <= maxBytes || length === 0) return piece;
    length = Math.floor((length * maxBytes) / bytes);
  }
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function isFrame(value: unknown): value is Frame {
  if (typeof value !== "object" || value === null) return false;
  const { conversationId, turnId, after, fence, attempt, text, reasoning, notices, reason } = value as Record<
    keyof Frame,
    unknown
  >;
  return (
    [conversationId, turnId].every((id) => typeof id === "string") &&
    [after, fence, attempt].every(Number.isInteger) &&
    [text, reasoning].every((piece) => piece === undefined || isPiece(piece)) &&
    (notices === undefined || (Array.isArray(notices) && notices.every(isNumbered))) &&
    (reason === undefined || typeof reason === "string")
  );
}

function isPiece(value: unknown): boolean {
  return Array.isArray(value) && Number.isInteger(value[0]) && typeof value[1] === "string";
}

function isNumbered(value: unknown): boolean {
  if (!Array.isArray(value) || !Number.isInteger(value[0])) return false;
  const type = (value[1] as { type?: unknown } | null)?.type;
  return type === "tool_progress" || type === "server_status";
}
