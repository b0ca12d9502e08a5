/** The messages that hosts send each other over the bus: announcements to all hosts, and frames with pieces of messages that are being written. */
import { asArray, parseJson } from "../../core/json.js";
import {
  type Known,
  type MessagePosition,
  type Notice,
  nothingKnown,
  OpenMessage,
  type Received,
} from "./open-message.js";

/**
 * Each text on the bus is this version followed by a JSON list. Only hosts on the same log can send on the bus, so the version is all that
 * is checked. A change of the shape of announcements or frames must count it up: hosts of another version then skip them.
 */
const version = "1";

/**
 * A subscription to a conversation. `has`: how much the subscriber has of the message that is being written. If it is missing, the
 * subscriber needs the whole message.
 */
export interface Subscription {
  conversationId: string;
  has?: Received;
}

export type Announcement = { nodeId: string } & (
  | ({ type: "follow" } & Subscription)
  | { type: "leave"; conversationId: string }
  /** Asks all hosts to repeat their subscriptions. */
  | { type: "hello" }
);

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

/** Number of bytes that a text with a single message has in addition to the message. */
export const overheadBytes = version.length + 2;

/** Packs JSON texts into texts of at most `maxBytes` each, in order. Leaves out a JSON text that is longer than that. */
export function pack(messages: readonly string[], maxBytes: number): string[] {
  const texts: string[] = [];
  let list: string[] = [];
  let bytes = overheadBytes;
  const close = () => {
    if (list.length > 0) texts.push(`${version}[${list.join()}]`);
    list = [];
    bytes = overheadBytes;
  };
  for (const message of messages) {
    const own = Buffer.byteLength(message);
    if (overheadBytes + own > maxBytes) continue;
    if (bytes + own > maxBytes) close();
    list.push(message);
    bytes += own + 1; // for the comma
  }
  close();
  return texts;
}

/** Returns the messages in a text of `pack`. Returns none if the text is of another version. */
export function unpack<T extends Announcement | Frame>(text: string): T[] {
  return text.startsWith(`${version}[`) ? (asArray(parseJson(text.slice(version.length))) as T[]) : [];
}

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
  const frame: Frame = { conversationId, ...open.position };
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
