import { expect, test } from "@jest/globals";
import { retryAfterMs } from "../../../src/llm/connection/hints.js";
import { providerError } from "../../../src/llm/wires/shared/provider-error.js";

const now = Date.parse("2026-11-24T12:00:00Z");
const hint = (headers: Record<string, string>, body: unknown = {}, status = 429) =>
  retryAfterMs(headers, providerError(body, status), now);

test.each([
  [{ "retry-after": "2" }, 2000],
  [{ "retry-after": "1.5" }, 1500],
  [{ "retry-after": "Tue, 24 Nov 2026 12:00:30 GMT" }, 30_000],
  [{ "retry-after-ms": "250", "retry-after": "1" }, 250],
  [{ "retry-after": "1e10" }, 1e13],
  [{ "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s" }, 360_000],
  [{ "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "120ms" }, 120],
  [
    {
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-reset-requests": "120ms",
      "x-ratelimit-remaining-tokens": "0",
      "x-ratelimit-reset-tokens": "8.64s",
    },
    8640,
  ],
  [
    {
      "anthropic-ratelimit-requests-remaining": "7",
      "anthropic-ratelimit-requests-reset": "2026-11-24T12:01:00Z",
      "anthropic-ratelimit-input-tokens-remaining": "0",
      "anthropic-ratelimit-input-tokens-reset": "2026-11-24T12:00:20Z",
    },
    20_000,
  ],
  [{ "x-ratelimit-reset": String(now / 1000 + 5) }, 5000],
  [{ "x-ratelimit-reset": String(now + 5000) }, 5000],
])("%j is a hint of %i ms", (headers, expected) => {
  expect(hint(headers as Record<string, string>)).toBe(expected);
});

test.each<Record<string, string>>([
  {},
  { "retry-after": "0" },
  { "retry-after": "-5" },
  { "retry-after": "soon" },
  { "retry-after": "120s" },
  { "retry-after": "Tue, 24 Nov 2020 12:00:30 GMT" },
  { "x-ratelimit-remaining-tokens": "10", "x-ratelimit-reset-tokens": "6m0s" },
  { "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "soon" },
  { "anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-reset": "2026-11-24T11:59:00Z" },
])("%j gives no hint", (headers) => {
  expect(hint(headers)).toBeUndefined();
});

test("Gemini gives its delay in the body only", () => {
  const details = [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "45.837906927s" }];
  expect(hint({}, { error: { code: 429, details } })).toBeCloseTo(45_837.9, 1);
});

test("OpenRouter gives its headers in the body; a value that is not text gives no hint", () => {
  const body = (reset: unknown) => ({ error: { code: 429, metadata: { headers: { "X-RateLimit-Reset": reset } } } });
  expect(hint({}, body(String(now + 5000)))).toBe(5000);
  expect(hint({}, body(now + 5000))).toBe(5000);
  expect(hint({ "retry-after": "2" }, body(String(now + 5000)))).toBe(2000);
  expect(hint({}, body({ toString: 1 }))).toBeUndefined();
});

test("limits that ran out give no hint for another failure", () => {
  expect(hint({ "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s" }, {}, 500)).toBeUndefined();
});
