import { endpointUrl, keyHeader } from "../shared/endpoint.js";
import type { Wire } from "../wire.js";
import { requestBody } from "./body.js";
import { ResponsesFold } from "./fold.js";
import { lessonsIn } from "./learn.js";
import { familyOf, quirksOf, type ResponsesQuirks } from "./quirks.js";
import { errorIn, errorOf } from "./refused-request.js";

/** The wire for OpenAI's Responses. Nothing is stored at the service, so every request holds the whole conversation. */
export const responses: Wire<ResponsesQuirks> = {
  name: "responses",
  textPosition: { key: "delta", holder: (event) => event, counter: "sequence_number" },

  url: ({ provider, model }) => endpointUrl(provider, model, "/responses"),
  headers: keyHeader,
  quirks: quirksOf,
  request: (request, target) => ({ body: requestBody(request, target) }),
  fold: (options) => new ResponsesFold(options),

  error: errorOf,
  errorIn,
  isAnswer: (message) => "output" in message || "response" in message || "sequence_number" in message,
  learn: lessonsIn,

  family: familyOf,
};
