import { asObject, asObjects, type JsonObject } from "../../../core/json.js";
import { endpointUrl } from "../shared/endpoint.js";
import type { Wire } from "../wire.js";
import { requestBody } from "./body.js";
import { GeminiFold } from "./fold.js";
import { type GeminiQuirks, geminiModelQuirks } from "./gemini-models.js";
import { lessonsIn } from "./learn.js";
import { errorIn, errorOf } from "./refused-request.js";

/** The wire for Google's `generateContent`. The Gemini API serves it, and Vertex AI too, at a `base_url` that the user must configure. */
export const geminiWire: Wire<GeminiQuirks> = {
  name: "gemini",
  textPosition: { key: "text", holder: (message) => asObjects(contentIn(message)?.parts)[0] },

  url({ provider, model, streaming }) {
    const path = /^[\w-]+\//.test(model) ? model : `models/${model}`;
    const method = streaming ? "streamGenerateContent" : "generateContent";
    const url = endpointUrl(provider, model, `/${path.split("/").map(encodeURIComponent).join("/")}:${method}`);
    // Without `alt=sse` a stream is one JSON array, which can be read only at its end.
    return streaming ? `${url}${url.includes("?") ? "&" : "?"}alt=sse` : url;
  },
  // The key is in a header, because a key in the URL would end up in logs and error texts.
  headers: (_provider, key): Record<string, string> => (key ? { "x-goog-api-key": key } : {}),
  quirks: geminiModelQuirks,
  request: (request, target) => ({ body: requestBody(request, target) }),
  fold: (options) => new GeminiFold(options),

  error: errorOf,
  errorIn,
  isAnswer: (message) => "candidates" in message || "promptFeedback" in message || "usageMetadata" in message,
  learn: lessonsIn,

  // Gemini's models accept each other's thought signatures.
  family: (model) => (/(^|\/)gemini-/.test(model) ? "gemini" : model),
};

function contentIn(message: JsonObject): JsonObject | undefined {
  return asObject(asObjects(message.candidates)[0]?.content);
}
