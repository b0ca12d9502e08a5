import { asNumber, asText } from "../../core/json.js";
import { largest } from "../../core/lists/long-lists.js";
import { parseGoDuration } from "../../core/text/durations.js";
import type { ProviderError } from "../wires/shared/provider-error.js";

/** Response headers with lower-case names. */
export type Headers = Readonly<Record<string, unknown>>;

/**
 * Returns how long the provider asks to wait; undefined if the provider gives no usable time. Zero, times in the past and garbage ("120s",
 * "soon") are ignored: if such values were used, the request would be repeated in a tight loop.
 */
export function retryAfterMs(ofResponse: Headers, error: ProviderError, now: number): number | undefined {
  const headers = { ...error.headers, ...ofResponse };
  const header = (name: string) => textOf(headers, name);
  const seconds = header("retry-after");
  const candidates = [
    error.retryAfterMs ?? Number.NaN,
    numberOf(header("retry-after-ms")),
    numberOf(seconds) * 1000,
    Date.parse(seconds) - now,
    ...error.details.map(({ retryDelay }) => parseGoDuration(asText(retryDelay) ?? "")),
    ...(error.status === 429 ? exhaustedLimits(headers, now) : []),
  ];
  return candidates.find((milliseconds) => milliseconds > 0);
}

export function requestIdOf(headers: Headers): string | undefined {
  return requestIdHeaders.map((name) => asText(headers[name])).find((id) => id !== undefined);
}

const requestIdHeaders = ["x-request-id", "request-id", "apim-request-id", "x-amzn-requestid", "cf-ray"];

export function shouldRetry(headers: Headers): boolean | undefined {
  const value = headers["x-should-retry"];
  return value === "true" ? true : value === "false" ? false : undefined;
}

/**
 * Returns the times until exhausted limits reset, in ms. If several limits are exhausted, the one that resets last counts. OpenAI:
 * `x-ratelimit-reset-tokens: 6m0s`; Anthropic: `anthropic-ratelimit-tokens-reset: 2026-11-24T12:00:30Z`.
 */
function exhaustedLimits(headers: Headers, now: number): number[] {
  const header = (name: string) => textOf(headers, name);
  const ranOut = (name: string) => Number(header(name) || 1) <= 0;
  const openAi = ["requests", "tokens"]
    .filter((unit) => ranOut(`x-ratelimit-remaining-${unit}`))
    .map((unit) => parseGoDuration(header(`x-ratelimit-reset-${unit}`)));
  const anthropic = ["requests", "tokens", "input-tokens", "output-tokens"]
    .filter((unit) => ranOut(`anthropic-ratelimit-${unit}-remaining`))
    .map((unit) => Date.parse(header(`anthropic-ratelimit-${unit}-reset`)) - now);
  const epoch = numberOf(header("x-ratelimit-reset"));
  const resets = [...openAi, ...anthropic].filter((milliseconds) => milliseconds > 0);
  return [largest(resets), (epoch > 1e12 ? epoch : epoch * 1000) - now];
}

/**
 * Returns the header as text. Returns "" for an object, since converting an object could throw. Some error bodies contain headers, and such
 * a body can have an object in the place of a text.
 */
function textOf(headers: Headers, name: string): string {
  const value = headers[name];
  return asText(value) ?? String(asNumber(value) ?? "");
}

function numberOf(text: string): number {
  return /^\s*[\d.]+(e\d+)?\s*$/i.test(text) ? Number(text) : Number.NaN;
}
