import { asObject, asObjects, asText, type JsonObject } from "../../json.js";
import type { Quirks } from "../../providers/presets.js";
import { endpointUrl } from "../shared/endpoint.js";
import { isSaid, type ProviderError, parseErrorBody, providerError } from "../shared/provider-error.js";
import type { Wire } from "../wire.js";
import { writeBody } from "./body-text.js";
import { ChatFold } from "./fold.js";
import { lessonsIn } from "./learn.js";

/** OpenAI's Chat Completions, which most providers and all local servers speak, each with deviations of its own. */
export const chat: Wire<Quirks> = {
  name: "chat",
  words: { key: "content", holder: (chunk) => asObject(asObjects(chunk.choices)[0]?.delta) },

  url: ({ provider, model }) => endpointUrl(provider, model, "/chat/completions"),
  headers({ quirks }, key): Record<string, string> {
    if (!key) return {};
    return quirks.keyHeader === "api-key" ? { "api-key": key } : { Authorization: `Bearer ${key}` };
  },
  quirks: ({ quirks }) => quirks,
  request: (request, target) => ({ body: writeBody(request, target) }),
  fold: (options, { quirks }) => new ChatFold(options, quirks),

  error: parseErrorBody,
  errorIn,
  isAnswer: (message) => "choices" in message,
  learn: lessonsIn,

  // Gemini's models take each other's thought signatures.
  family: (model) => (/(^|\/)gemini-/.test(model) ? "gemini" : model),
};

/** The error inside a message of a 200 answer, if it is one. */
function errorIn(message: JsonObject, event: string | undefined): ProviderError | undefined {
  const choice = asObjects(message.choices)[0];
  if (isSaid(message.error) || isSaid(message.errors)) return providerError(message);
  if (choice && isSaid(choice.error)) return providerError(choice);
  if (event === "error" || message.object === "error" || message.type === "error") return providerError(message);
  if (message.status === "failure" || message.status === "error") return providerError(message);
  const reason = asText(choice?.finish_reason) ?? asText(choice?.finishReason) ?? "";
  return BROKEN_OFF.test(reason) ? providerError(`the model's answer ended with "${reason}"`) : undefined;
}

/** Reasons to finish that are failures: vLLM's and SGLang's, DeepSeek's, Z.ai's, Gemini's. What was said before is no whole answer. */
const BROKEN_OFF =
  /^(error|abort(ed)?|network_error|insufficient_system_resource)$|malformed_function_call|unexpected_tool_call/i;
