import { type IncomingMessage, request as openRequest } from "node:http";
import { pipeline, type Readable } from "node:stream";
import { constants, createBrotliDecompress, createUnzip } from "node:zlib";
import { AxiosError, type AxiosResponse, CanceledError, type InternalAxiosRequestConfig } from "axios";
import { respectKeepAlive } from "./agents.js";
import { readUpTo } from "./body.js";
import type { Route } from "./routes.js";

type SendOptions = Route & { headers: Record<string, string> };

/** A whole conversation with images fits; what does not would be refused by the provider anyway. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;
const MAX_ERROR_TIME_MS = 2000;

/**
 * One attempt: what the instance's adapter does. axios' own adapter costs as much again as the request itself, and leaves
 * to us what it does differently for streams: a timeout that ends with the headers, bodies of errors, cancelling.
 * Resolves with the headers of a 2xx, its body a stream. Rejects with an AxiosError, the body of an error read to its end,
 * since one that nobody reads holds its pooled connection for ever; and it says what went wrong.
 */
export async function send(
  config: InternalAxiosRequestConfig,
  options: SendOptions,
  keepaliveExpiryMs: number,
): Promise<AxiosResponse<Readable>> {
  const incoming = await headersOf(config, options);
  respectKeepAlive(incoming, keepaliveExpiryMs);
  const { statusCode: status = 0, statusMessage: statusText = "" } = incoming;
  const headers = incoming.headers as AxiosResponse["headers"];
  const body = decoded(incoming);
  if (status >= 200 && status < 300) return { data: body, status, statusText, headers, config };
  const data = await readUpTo(body, MAX_ERROR_BYTES, MAX_ERROR_TIME_MS);
  const response = { data, status, statusText, headers, config };
  throw new AxiosError(`status ${status}`, AxiosError.ERR_BAD_RESPONSE, config, undefined, response);
}

function headersOf(config: InternalAxiosRequestConfig, options: SendOptions): Promise<IncomingMessage> {
  const { data, timeout, signal } = config;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) throw new CanceledError();
    if (data.length > MAX_BODY_BYTES)
      throw new AxiosError("the request is too large", "ERR_FR_MAX_BODY_LENGTH_EXCEEDED");
    const headers = { "Content-Length": data.length, ...options.headers };
    const request = openRequest({ ...options, headers, method: "POST" });
    let incoming: IncomingMessage | undefined;
    const abort = () => (incoming ?? request).destroy(new CanceledError());
    const timer = setTimeout(() => {
      request.destroy(Object.assign(new Error("no headers in time"), { code: AxiosError.ECONNABORTED }));
    }, timeout);
    const release = () => {
      clearTimeout(timer);
      signal?.removeEventListener?.("abort", abort);
    };
    signal?.addEventListener?.("abort", abort);
    request.once("response", (response) => {
      clearTimeout(timer);
      incoming = response.once("close", release);
      resolve(response);
    });
    request.on("error", (error: NodeJS.ErrnoException) => {
      release();
      reject(AxiosError.from(error, error.code, config, request));
    });
    request.end(data);
  });
}

/** We ask for no compression, and some proxies compress nevertheless. Each flush comes out as it came in. */
function decoded(incoming: IncomingMessage): Readable {
  const flush = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH };
  switch (incoming.headers["content-encoding"]?.toLowerCase()) {
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
