import { asObject, asObjects, asText, type JsonObject } from "../../../core/json.js";
import type { Quirks } from "../../providers/presets.js";
import { endpointUrl } from "../shared/endpoint.js";
import { isSaid, type ProviderError, parseErrorBody, providerError, withStatedWait } from "../shared/provider-error.js";
import type { Destination, Unserved, Wire } from "../wire.js";
import { requestBody } from "./body.js";
import { ChatFold } from "./fold.js";
import { lessonsIn, WANTS_RESPONSES } from "./learn.js";

/** The wire for OpenAI's Chat Completions. Most providers and all local servers speak it, each with its own deviations. */
export const chatWire: Wire<Quirks> = {
  name: "chat",
  textPosition: { key: "content", holder: (chunk) => asObject(asObjects(chunk.choices)[0]?.delta) },

  url: ({ provider, model }) => endpointUrl(provider, model, "/chat/completions"),
  headers({ quirks }, key): Record<string, string> {
    if (!key) return {};
    return quirks.keyHeader === "api-key" ? { "api-key": key } : { Authorization: `Bearer ${key}` };
  },
  quirks: ({ quirks }) => quirks,
  request: (request, target) => ({ body: requestBody(request, target) }),
  fold: (options, { quirks }) => new ChatFold(options, quirks),

  error(text, status) {
    const said = parseErrorBody(text, status);
    // Some providers send this refusal as a 404, the status for an unknown model.
    return WANTS_RESPONSES.test(said.message) ? { ...said, kind: "bad_request" } : said;
  },
  errorIn,
  isAnswer: (message) => "choices" in message,
  learn: lessonsIn,
  unserved,

  // Gemini's models accept each other's thought signatures.
  family: (model) => (/(^|\/)gemini-/.test(model) ? "gemini" : model),
};

function errorIn(message: JsonObject, event: string | undefined): ProviderError | undefined {
  const error = statedIn(message, event);
  return error && withStatedWait(error);
}

function statedIn(message: JsonObject, event: string | undefined): ProviderError | undefined {
  const choice = asObjects(message.choices)[0];
  if (isSaid(message.error) || isSaid(message.errors)) return providerError(message);
  if (choice && isSaid(choice.error)) return providerError(choice);
  if (event === "error" || message.object === "error" || message.type === "error") return providerError(message);
  if (message.status === "failure" || message.status === "error") return providerError(message);
  const reason = asText(choice?.finish_reason) ?? asText(choice?.finishReason) ?? "";
  return BROKEN_OFF.test(reason) ? providerError(`the model's answer ended with "${reason}"`) : undefined;
}

/** Finish reasons of vLLM, SGLang, DeepSeek, Z.ai and Gemini that report a failure: the answer is incomplete. */
const BROKEN_OFF =
  /^(error|abort(ed)?|network_error|insufficient_system_resource)$|malformed_function_call|unexpected_tool_call/i;

/**
 * Models that OpenAI's own API and Azure serve only through Responses, fully or for requests with tools. Gateways accept Chat Completions
 * for them and translate. Sources: error messages quoted in BerriAI/litellm PR#34569 and openai-openapi#541 (2026-03 to 2026-11).
 */
const BY_RESPONSES: readonly { models: RegExp; why: string; unlessEffort?: string }[] = [
  { models: /^(o1|o3|gpt-5(\.\d)?)-pro\b|^gpt-[5-9](\.\d)?-codex\b/, why: "is served through Responses only" },
  { models: /^gpt-6-astra\b|^gpt-6\.\d-/, why: "takes tools through Responses only" },
  {
    models: /^gpt-(5\.6|6)-/,
    why: "takes tools through Chat Completions without reasoning only (reasoning_effort: none)",
    unlessEffort: "none",
  },
];

function unserved({ provider: { name, baseUrl, reasoning }, model }: Destination): Unserved | undefined {
  if (name !== "azure" && !/\bapi\.openai\.com\b|\.azure\.(com|us|cn)\b/.test(baseUrl)) return undefined;
  const found = BY_RESPONSES.find(({ models }) => models.test(model));
  if (!found || (found.unlessEffort !== undefined && reasoning?.effort === found.unlessEffort)) return undefined;
  return { why: found.why, by: "responses" };
}
