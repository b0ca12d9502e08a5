import { asObject, asText, type JsonObject, parseJson } from "../../../core/json.js";
import type { Provider } from "../../providers/providers.js";
import { endpointUrl } from "../shared/endpoint.js";
import { isSaid, type ProviderError, parseErrorBody, providerError } from "../shared/provider-error.js";
import type { Wire } from "../wire.js";
import { requestBody } from "./body.js";
import { MessagesFold } from "./fold.js";
import { lessonsIn } from "./learn.js";
import { familyOf, type MessagesQuirks, quirksOf } from "./quirks.js";

const version = { "anthropic-version": "2023-06-01" };
/** Matches tokens of a subscription, which are not API keys. */
const oauthToken = /^sk-ant-oat/;
/** The wire for Anthropic's Messages. Several vendors and local servers speak it too. */
export const messages: Wire<MessagesQuirks> = {
  name: "messages",
  textPosition: { key: "text", holder: (event) => asObject(event.delta) },

  url: ({ provider, model }) => endpointUrl(withVersion(provider), model, "/messages"),
  headers: (provider, key) => ({ ...version, ...keyHeaders(provider, key) }),
  quirks: quirksOf,
  request: (request, target) => ({ body: requestBody(request, target) }),
  fold: (options) => new MessagesFold(options),

  error: errorOf,
  errorIn,
  isAnswer: ({ type, content }) => type === "message" || Array.isArray(content),
  learn: lessonsIn,

  family: familyOf,
};

/**
 * Adds the version to the address if it is missing. Users may have copied the address from other clients of this API, which want it without
 * the version.
 */
function withVersion(provider: Provider): Provider {
  const [, path = "", query = ""] = /^([^?]*?)\/*(\?.*)?$/.exec(provider.baseUrl) ?? [];
  return /\/v\d\w*$/.test(path) ? provider : { ...provider, baseUrl: `${path}/v1${query}` };
}

/** Returns the header with the key. A key header set by the user replaces it, because the API refuses a request with two key headers. */
function keyHeaders({ vendor, headers = {} }: Provider, key: string | undefined): Record<string, string> {
  const isGiven = Object.keys(headers).some((name) => /^(authorization|x-api-key)$/i.test(name));
  if (!key || isGiven) return {};
  if (oauthToken.test(key)) return { authorization: `Bearer ${key}`, "anthropic-beta": "oauth-2025-04-20" };
  return vendor?.bearer ? { authorization: `Bearer ${key}` } : { "x-api-key": key };
}

/** Matches codes of a spending limit (`…_spend_limit_reached`). Such a limit is a quota, not a rate limit per minute. */
const spent = /spend_limit_reached|credit|billing/;

/** Matches the refusal of a `max_tokens` that is too high. This refusal does not mean that the input is too long. */
const answerTooLong = /^max_tokens: \d+ > \d+/;

function errorOf(text: string, status: number | undefined): ProviderError {
  const said = parseErrorBody(text, status);
  if (answerTooLong.test(said.message)) return { ...said, kind: "bad_request" };
  const code = asText(asObject(asObject(asObject(parseJson(text))?.error)?.details)?.error_code);
  return code && spent.test(code) ? { ...said, kind: "quota" } : said;
}

function errorIn(message: JsonObject, event: string | undefined): ProviderError | undefined {
  return event === "error" || message.type === "error" || isSaid(message.error) ? providerError(message) : undefined;
}
