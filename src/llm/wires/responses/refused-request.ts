import type { LlmErrorKind } from "../../../core/errors.js";
import { asObject, asText, type JsonObject } from "../../../core/json.js";
import { isSaid, type ProviderError, parseErrorBody, providerError, withStatedWait } from "../shared/provider-error.js";

export function errorOf(text: string, status: number | undefined): ProviderError {
  return classified(parseErrorBody(text, status));
}

export function errorIn(message: JsonObject, event: string | undefined): ProviderError | undefined {
  const response = asObject(message.response) ?? message;
  const status = asText(response.status);
  if (message.type === "response.failed" || status === "failed" || status === "cancelled") {
    const said = isSaid(response.error) ? { error: response.error } : `the answer has the status "${status}"`;
    return classified(withStatedWait(providerError(said)));
  }
  const isError = message.type === "error" || event === "error" || isSaid(message.error);
  return isError ? classified(withStatedWait(providerError(message))) : undefined;
}

function classified(error: ProviderError): ProviderError {
  const kind = kinds.find(([words]) => words.test(error.code) || words.test(error.message))?.[1];
  return kind ? { ...error, kind } : error;
}

/**
 * Kinds of errors by OpenAI's codes and texts, where the general rules or the status would give a wrong kind. Codes hold only letters and
 * digits.
 */
const kinds: readonly (readonly [RegExp, LlmErrorKind])[] = [
  [/biopolicy|contentpolicyviolation|policyviolation/, "content_filter"],
  // These errors may arrive in a stream, and then have no status.
  [
    /invalidprompt|invalidimage|invalidbase64image|imageto|imageparse|imagefile|emptyimagefile|unsupportedimage/,
    "bad_request",
  ],
  [/invalidencryptedcontent|^Item with id '[^']*' not found/, "bad_request"],
];
