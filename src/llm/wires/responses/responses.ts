import { endpointUrl } from "../shared/endpoint.js";
import type { Wire } from "../wire.js";
import { requestBody } from "./body.js";
import { errorIn, errorOf } from "./errors.js";
import { ResponsesFold } from "./fold.js";
import { lessonsIn } from "./learn.js";
import { familyOf, quirksOf, type ResponsesQuirks } from "./quirks.js";

/** OpenAI's Responses, used without the service keeping anything: the whole conversation is in every request. */
export const responses: Wire<ResponsesQuirks> = {
  name: "responses",

  url: ({ provider, model }) => endpointUrl(provider, model, "/responses"),
  headers({ quirks }, key): Record<string, string> {
    if (!key) return {};
    return quirks.keyHeader === "api-key" ? { "api-key": key } : { Authorization: `Bearer ${key}` };
  },
  quirks: quirksOf,
  request: (request, target) => ({ body: requestBody(request, target) }),
  fold: (options) => new ResponsesFold(options),

  error: errorOf,
  errorIn,
  isAnswer: (message) => "output" in message || "response" in message || "sequence_number" in message,
  learn: lessonsIn,

  unserved: ({ model }) =>
    /\baudio\b/.test(model) ? { why: "takes and makes sound through Chat Completions only", by: "chat" } : undefined,

  family: familyOf,
};
