import type { LlmErrorKind } from "../../../core/errors.js";
import { asText, type JsonObject } from "../../../core/json.js";
import { isSaid, type ProviderError, parseErrorBody, providerError } from "../shared/provider-error.js";

/** Reads an error body. Gemini answers 400 both to a wrong key and to any wrong argument; only the details tell the two apart. */
export function errorOf(text: string, status: number | undefined): ProviderError {
  return withKind(parseErrorBody(text, status));
}

export function errorIn(message: JsonObject): ProviderError | undefined {
  return isSaid(message.error) ? withKind(providerError(message)) : undefined;
}

/**
 * Returns the failure that a finish reason stands for, or undefined if the reason is not a failure. `words`: the provider's explanation.
 */
export function geminiFailure(reason: string, words: string | undefined): ProviderError | undefined {
  const kind = failures.find(([reasons]) => reasons.test(reason))?.[1];
  if (!kind) return undefined;
  const said = `the model's answer ended with ${reason}${words ? ` (${words})` : ""}`;
  return { ...providerError(said), kind, isRetriedOnce: kind === "server" };
}

const knownReasons: readonly (readonly [RegExp, LlmErrorKind])[] = [
  [/^API_KEY_/, "auth"],
  [/^BILLING_DISABLED$/, "quota"],
];

/**
 * Finish reasons that are failures: the model wrote an unreadable call (which it seldom repeats), stopped for no stated reason, or called
 * tools endlessly.
 */
const failures: readonly (readonly [RegExp, LlmErrorKind])[] = [
  [/^(MALFORMED_FUNCTION_CALL|UNEXPECTED_TOOL_CALL|MISSING_THOUGHT_SIGNATURE)$/, "tool_generation_failed"],
  [/^(OTHER|MALFORMED_RESPONSE)$/, "server"],
  [/^TOO_MANY_TOOL_CALLS$/, "bad_request"],
];

function withKind(said: ProviderError): ProviderError {
  const reasons = said.details.map(({ reason }) => asText(reason) ?? "");
  const kind = knownReasons.find(([words]) => reasons.some((reason) => words.test(reason)))?.[1];
  return kind ? { ...said, kind } : said;
}
