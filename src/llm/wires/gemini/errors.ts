import type { LlmErrorKind } from "../../../core/errors.js";
import { asText, type JsonObject } from "../../json.js";
import { isSaid, type ProviderError, parseErrorBody, providerError } from "../shared/provider-error.js";

/** What the body of an error says. A wrong key is a 400 like any wrong argument: only its details tell them apart. */
export function errorOf(text: string, status: number | undefined): ProviderError {
  return withKind(parseErrorBody(text, status));
}

/** The error that a message of a 200 is. */
export function errorIn(message: JsonObject): ProviderError | undefined {
  return isSaid(message.error) ? withKind(providerError(message)) : undefined;
}

/** The failure that a reason to end stands for. `words`: the provider's own about it. */
export function failureOf(reason: string, words: string | undefined): ProviderError | undefined {
  const kind = FAILURES.find(([reasons]) => reasons.test(reason))?.[1];
  if (!kind) return undefined;
  const said = `the model's answer ended with ${reason}${words ? ` (${words})` : ""}`;
  return { ...providerError(said), kind, isRetriedOnce: kind === "server" };
}

const REASONS: readonly (readonly [RegExp, LlmErrorKind])[] = [
  [/^API_KEY_/, "auth"],
  [/^BILLING_DISABLED$/, "quota"],
];

/** The model wrote a call that nobody can read (asked again it seldom does), stopped for no stated reason, or called tools without end. */
const FAILURES: readonly (readonly [RegExp, LlmErrorKind])[] = [
  [/^(MALFORMED_FUNCTION_CALL|UNEXPECTED_TOOL_CALL|MISSING_THOUGHT_SIGNATURE)$/, "tool_generation_failed"],
  [/^(OTHER|MALFORMED_RESPONSE)$/, "server"],
  [/^TOO_MANY_TOOL_CALLS$/, "bad_request"],
];

function withKind(said: ProviderError): ProviderError {
  const reasons = said.details.map(({ reason }) => asText(reason) ?? "");
  const kind = REASONS.find(([words]) => reasons.some((reason) => words.test(reason)))?.[1];
  return kind ? { ...said, kind } : said;
}
