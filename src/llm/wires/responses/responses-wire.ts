import { endpointUrl } from "../shared/endpoint.js";
import type { Unserved, Wire } from "../wire.js";
import { requestBody } from "./body.js";
import { ResponsesFold } from "./fold.js";
import { lessonsIn } from "./learn.js";
import { familyOf, quirksOf, type ResponsesQuirks } from "./quirks.js";
import { errorIn, errorOf } from "./refused-request.js";

/** Vendors that do not serve this API, according to their documentation of 2026-11. */
const WITHOUT: readonly (readonly [RegExp, Unserved])[] = [
  [/^https?:\/\/api\.anthropic\.com[:/]/i, { why: "is not served through Responses by Anthropic", by: "messages" }],
  [
    /^https?:\/\/generativelanguage\.googleapis\.com[:/]/i,
    { why: "is not served through Responses by Google", by: "gemini" },
  ],
  [/^https?:\/\/api\.z\.ai[:/]/i, { why: "is not served through Responses by Z.ai", by: "chat" }],
  [/^https?:\/\/api\.fireworks\.ai[:/]/i, { why: "is not served through Responses by Fireworks", by: "messages" }],
];

/** The wire for OpenAI's Responses. Nothing is stored at the service, so every request holds the whole conversation. */
export const responses: Wire<ResponsesQuirks> = {
  name: "responses",
  textPosition: { key: "delta", holder: (event) => event, counter: "sequence_number" },

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

  unserved: ({ provider: { baseUrl }, model }) =>
    /\baudio\b/.test(model)
      ? { why: "takes and makes sound through Chat Completions only", by: "chat" }
      : WITHOUT.find(([host]) => host.test(baseUrl))?.[1],

  family: familyOf,
};
