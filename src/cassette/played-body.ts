import { Readable } from "node:stream";
import { bytesOf } from "./chunks.js";
import type { Cleaner } from "./clean.js";
import type { Chunk, WireError } from "./format.js";

/** Rejects when the signal aborts. */
export type Sleep = (milliseconds: number, signal?: AbortSignal) => Promise<void>;

/** How recordings are played. */
export interface Playback {
  cleaner: Cleaner;
  sleep: Sleep;
  /** With the pauses of the recording. */
  isPaced: boolean;
}

/** How a body ends that has no clean end: an error, or no end at all. */
type BadEnd = WireError | "open";

/** A body as it was recorded. `limit` ends it after that many bytes. */
export function playedBody(
  chunks: readonly Chunk[],
  { sleep, isPaced }: Playback,
  { signal, end, limit = Number.POSITIVE_INFINITY }: { signal: AbortSignal; end?: BadEnd; limit?: number },
): Readable {
  const ended = new AbortController();
  const abort = () => body.destroy(cancelled());
  const body = new Readable({
    read() {},
    destroy(error, callback) {
      ended.abort();
      signal.removeEventListener("abort", abort);
      callback(error);
    },
  });
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  const play = async () => {
    let left = limit;
    for (const chunk of chunks) {
      if (isPaced && chunk[0] > 0) await sleep(chunk[0], ended.signal);
      if (ended.signal.aborted || left <= 0) break;
      const bytes = bytesOf(chunk).subarray(0, left);
      left -= bytes.length;
      body.push(bytes);
    }
    if (end === undefined) body.push(null);
    // What was pushed is to arrive first.
    else if (end !== "open") setImmediate(() => body.destroy(brokenBy(end)));
  };
  play().catch(() => {}); // the signal's abort, which has destroyed the body
  return body;
}

/** What a client gets where a socket fails. */
export function brokenBy({ code, message }: WireError): Error {
  return Object.assign(new Error(message), code ? { code } : {});
}

function cancelled(): Error {
  return brokenBy({ code: "ERR_CANCELED", message: "canceled" });
}
