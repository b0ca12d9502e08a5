import { Readable } from "node:stream";
import { bytesOf } from "./chunks.js";
import type { Cleaner } from "./clean.js";
import type { Chunk, WireError } from "./format.js";

/** Waits. Rejects when the signal aborts. */
export type Sleep = (milliseconds: number, signal?: AbortSignal) => Promise<void>;

export interface Playback {
  cleaner: Cleaner;
  sleep: Sleep;
  /** True to keep the pauses of the recording. */
  isPaced: boolean;
}

/** End of a body without a clean end: an error, or no end at all. */
type BadEnd = WireError | "open";

/** Returns a body as it was recorded. `limit` ends it after that many bytes. */
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
    // The pushed bytes must arrive first.
    else if (end !== "open") setImmediate(() => body.destroy(brokenBy(end)));
  };
  play().catch(() => {}); // aborted, which has destroyed the body
  return body;
}

/** Returns the error that a client gets when a socket fails. */
export function brokenBy({ code, message }: WireError): Error {
  return Object.assign(new Error(message), code ? { code } : {});
}

function cancelled(): Error {
  return brokenBy({ code: "ERR_CANCELED", message: "canceled" });
}
