import type { ModelAnswer } from "../../../core/transports.js";

/**
 * Pattern of the response headers to record: those that the client reads from an error response. From a successful response the client
 * reads only the content type. None of these headers identifies the caller.
 */
const ofErrors =
  /^(content-type|retry-after|retry-after-ms|x-should-retry|location|x-request-id|request-id|apim-request-id|x-amzn-requestid|cf-ray|x-ratelimit-.+|anthropic-ratelimit-.+)$/;

/** Returns the headers to record, sorted. The query string of a `location` is removed, because it may contain a token. */
export function keptHeaders(status: number, headers: ModelAnswer["headers"]): Record<string, string> {
  const isAnswer = status >= 200 && status < 300;
  const kept = Object.entries(headers).flatMap(([name, value]): [string, string][] => {
    if (value === undefined || !(isAnswer ? name === "content-type" : ofErrors.test(name))) return [];
    return [[name, name === "location" ? String(value).replace(/\?.*$/s, "") : String(value)]];
  });
  return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
}
