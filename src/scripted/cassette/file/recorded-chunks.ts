/**
 * Splits an answer into chunks. The splits are at the ends of server-sent events and not where the network split the answer, so that a new
 * recording gives the same chunks.
 */
import type { RecordedPiece } from "./format.js";

export type Arrival = [atMs: number, bytes: Buffer];

/**
 * Splits an answer into chunks. Joined together, the chunks are the bytes of the answer. `startedAt` is the time at which the request was
 * sent.
 */
export function chunksOf(arrivals: readonly Arrival[], startedAt: number, isStream: boolean): RecordedPiece[] {
  const whole = Buffer.concat(arrivals.map(([, bytes]) => bytes));
  const ends = isStream ? eventEnds(whole) : [];
  if (whole.length > 0 && ends.at(-1) !== whole.length) ends.push(whole.length);
  let start = 0;
  let arrival = 0;
  let arrived = arrivals[0]?.[1].length ?? 0;
  let before = startedAt;
  return ends.map((end) => {
    while (arrived < end) arrived += arrivals[++arrival]?.[1].length ?? Number.POSITIVE_INFINITY;
    const at = arrivals[arrival]?.[0] ?? before;
    const chunk: RecordedPiece = [Math.max(0, Math.round(at - before)), pieceOf(whole.subarray(start, end))];
    start = end;
    before = at;
    return chunk;
  });
}

export function bytesOf([, piece]: RecordedPiece): Buffer {
  return typeof piece === "string" ? Buffer.from(piece) : Buffer.from(piece.base64, "base64");
}

function pieceOf(bytes: Buffer): RecordedPiece[1] {
  const text = bytes.toString("utf8");
  return Buffer.from(text).equals(bytes) ? text : { base64: bytes.toString("base64") };
}

const newline = 10;
const carriageReturn = 13;

/** Returns the position after each blank line, which ends an event. */
function eventEnds(bytes: Buffer): number[] {
  const ends: number[] = [];
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) {
    const before = bytes[at - 1] === carriageReturn ? at - 2 : at - 1;
    if (bytes[before] === newline) ends.push(at + 1);
  }
  return ends;
}
