import type { ModelAnswer } from "../core/tape.js";

/** What the client reads of a refusal; of an answer, it is the type alone. Nothing that says who asked. */
const ofErrors =
  /^(content-type|retry-after|retry-after-ms|x-should-retry|location|x-request-id|request-id|apim-request-id|x-amzn-requestid|cf-ray|x-ratelimit-.+|anthropic-ratelimit-.+)$/;

/** In order. The query of a location may hold a token. */
export function keptHeaders(status: number, headers: ModelAnswer["headers"]): Record<string, string> {
  const isAnswer = status >= 200 && status < 300;
  const kept = Object.entries(headers).flatMap(([name, value]): [string, string][] => {
    if (value === undefined || !(isAnswer ? name === "content-type" : ofErrors.test(name))) return [];
    return [[name, name === "location" ? String(value).replace(/\?.*$/s, "") : String(value)]];
  });
  return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
}
