import { asObject, asObjects } from "../../json.js";
import type { Quirks } from "../../providers/presets.js";
import { endpointUrl } from "../shared/endpoint.js";
import { parseErrorBody } from "../shared/provider-error.js";
import type { Wire } from "../wire.js";
import { writeBody } from "./body-text.js";
import { errorIn } from "./errors.js";
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

  family: (model) => model,
};
