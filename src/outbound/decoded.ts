import type { IncomingMessage } from "node:http";
import { pipeline, type Readable } from "node:stream";
import { constants, createBrotliDecompress, createUnzip } from "node:zlib";
import { rawHeader } from "./raw-header.js";

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
