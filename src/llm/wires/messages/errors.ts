import { asObject, asText, type JsonObject, parseJson } from "../../json.js";
import { isSaid, type ProviderError, parseErrorBody, providerError } from "../shared/provider-error.js";

/** A limit in money that is reached is no limit of a minute: `…_spend_limit_reached`. */
const SPENT = /spend_limit_reached|credit|billing/;

/** About the length of the answer that was asked for, and not of what was sent. */
const ANSWER_TOO_LONG = /^max_tokens: \d+ > \d+/;

export function errorOf(text: string, status: number | undefined): ProviderError {
  const said = parseErrorBody(text, status);
  if (ANSWER_TOO_LONG.test(said.message)) return { ...said, kind: "bad_request" };
  const code = asText(asObject(asObject(asObject(parseJson(text))?.error)?.details)?.error_code);
  return code && SPENT.test(code) ? { ...said, kind: "quota" } : said;
}

/** The error inside a message of a 200 answer, if it is one. */
export function errorIn(message: JsonObject, event: string | undefined): ProviderError | undefined {
  return event === "error" || message.type === "error" || isSaid(message.error) ? providerError(message) : undefined;
}
