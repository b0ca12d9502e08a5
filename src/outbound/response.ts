/** Reads responses of model providers and MCP servers. */
import type { IncomingMessage } from "node:http";
import { pipeline, type Readable } from "node:stream";
import { constants, createBrotliDecompress, createUnzip } from "node:zlib";
import { pieceBytes } from "../core/async/arriving-messages.js";

/** How much `drain` reads. A longer rest costs more than a new connection. */
const maxRestBytes = 64 * 1024;
/** How long a server may take to end a complete response before its connection is destroyed. */
const drainGraceMs = 250;
/** How long `drain` waits for the end of a response. A read that has already begun takes about this long. */
const endGraceMs = 10;
/** Number of turns of the event loop that `drain` waits in addition: a busy process runs its timers before it reads what has arrived. */
const endGraceTurns = 4;

/**
 * Returns the value of one response header. `name` must be in lower case. Does not use `incoming.headers`: Node builds that object from all
 * headers when it is first used, and most responses do not need it.
 */
export function rawHeader({ rawHeaders }: IncomingMessage, name: string): string | undefined {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const other = rawHeaders[index] as string;
    if (other.length === name.length && other.toLowerCase() === name) return rawHeaders[index + 1];
  }
  return undefined;
}

/**
 * Returns the body of a response. Decompresses it if a proxy has compressed it, although the request did not ask for that. Data that the
 * sender has flushed is passed on at once.
 */
export function decoded(incoming: IncomingMessage): Readable {
  const encoding = rawHeader(incoming, "content-encoding");
  return encoding === undefined ? incoming : decompressed(incoming, encoding.toLowerCase());
}

function decompressed(incoming: IncomingMessage, encoding: string): Readable {
  const flush = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH };
  switch (encoding) {
    case "gzip":
    case "x-gzip":
    case "deflate":
      return pipeline(incoming, createUnzip(flush), () => {});
    case "br":
      return pipeline(incoming, createBrotliDecompress(), () => {});
    default:
      return incoming;
  }
}

/** Reads a body as text, up to both limits. Counts pieces by `pieceBytes`. Never rejects, and always frees the connection. */
export function readUpTo(stream: Readable, maxBytes: number, maxTimeMs: number): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const timer = setTimeout(() => stream.destroy(), maxTimeMs);
    stream.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += pieceBytes(chunk.length);
      if (bytes > maxBytes) stream.destroy();
    });
    const settle = () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks).toString("utf8", 0, maxBytes));
    };
    stream.once("end", settle).once("close", settle).on("error", settle);
  });
}

/**
 * Reads a response to its end, so that its connection returns to the pool. Destroying the stream, as leaving a `for await` does, would cost
 * a new connection per streamed answer. A long rest is not read. Resolves at the end or after a short time, so that the next request
 * usually finds the connection free.
 */
export function drain(stream: Readable): Promise<void> {
  if (stream.readableEnded || stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const soon = setTimeout(() => afterTurns(endGraceTurns, resolve), endGraceMs);
    const late = setTimeout(() => stream.destroy(), drainGraceMs);
    stream.once("end", resolve).once("close", () => {
      clearTimeout(soon);
      clearTimeout(late);
      resolve();
    });
    let bytes = 0;
    stream.on("data", (piece: Buffer) => {
      bytes += pieceBytes(piece.length);
      if (bytes > maxRestBytes) stream.destroy();
    });
    stream.resume();
  });
}

function afterTurns(count: number, act: () => void): void {
  if (count === 0) act();
  else setImmediate(() => afterTurns(count - 1, act));
}
