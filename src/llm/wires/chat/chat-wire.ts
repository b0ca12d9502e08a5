import { asObject, asObjects, asText, type JsonObject } from "../../../core/json.js";
import type { Quirks } from "../../providers/presets.js";
import { endpointUrl, keyHeader } from "../shared/endpoint.js";
import { isSaid, type ProviderError, parseErrorBody, providerError, withStatedWait } from "../shared/provider-error.js";
import type { Wire } from "../wire.js";
import { requestBody } from "./body.js";
import { ChatFold } from "./fold.js";
import { lessonsIn, wantsResponses } from "./learn.js";

/** The wire for OpenAI's Chat Completions. Most providers and all local servers speak it, each with its own deviations. */
export const chatWire: Wire<Quirks> = {
  name: "chat",
  textPosition: { key: "content", holder: (chunk) => asObject(asObjects(chunk.choices)[0]?.delta) },

  url: ({ provider, model }) => endpointUrl(provider, model, "/chat/completions"),
  headers: keyHeader,
  quirks: ({ quirks }) => quirks,
  request: (request, target) => ({ body: requestBody(request, target) }),
  fold: (options, { quirks }) => new ChatFold(options, quirks),

  error(text, status) {
    const said = parseErrorBody(text, status);
    // Some providers send this refusal as a 404, the status for an unknown model.
    return wantsResponses.test(said.message) ? { ...said, kind: "bad_request" } : said;
  },
  errorIn,
  isAnswer: (message) => "choices" in message,
  learn: lessonsIn,

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
  return brokenOff.test(reason) ? providerError(`the model's answer ended with "${reason}"`) : undefined;
}

/** Finish reasons of vLLM, SGLang, DeepSeek, Z.ai and Gemini that report a failure: the answer is incomplete. */
const brokenOff =
  /^(error|abort(ed)?|network_error|insufficient_system_resource)$|malformed_function_call|unexpected_tool_call/i;
