import { Readable } from "node:stream";
import type { Cleaner } from "../file/clean.js";
import type { RecordedError, RecordedPiece } from "../file/format.js";
import { bytesOf } from "../file/recorded-chunks.js";

/** Waits for a time in ms. Rejects when the signal aborts. */
export type Sleep = (milliseconds: number, signal?: AbortSignal) => Promise<void>;

export interface Playback {
  cleaner: Cleaner;
  sleep: Sleep;
  /** True if the replay makes the recorded pauses. */
  isPaced: boolean;
}

/** How a body ended if it did not end cleanly: with an error, or not at all ("open"). */
type BadEnd = RecordedError | "open";

/** Returns a body that sends the recorded chunks. `limit` is the number of bytes after which the body ends early. */
export function playedBody(
  chunks: readonly RecordedPiece[],
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
    // The error is delayed, because the client must first get the bytes that were pushed.
    else if (end !== "open") setImmediate(() => body.destroy(brokenBy(end)));
  };
  play().catch(() => {}); // rejects if the body was aborted; the body is then already destroyed
  return body;
}

/** Returns the error that a client gets if a socket fails in this way. */
export function brokenBy({ code, message }: RecordedError): Error {
  return Object.assign(new Error(message), code ? { code } : {});
}

function cancelled(): Error {
  return brokenBy({ code: "ERR_CANCELED", message: "canceled" });
}
