import { expect, test } from "@jest/globals";
import type { WireName } from "../../../src/core/config.js";
import { defaultQuirks } from "../../../src/llm/providers/presets.js";
import type { Provider } from "../../../src/llm/providers/providers.js";
import { wireOf } from "../../../src/llm/wires/all-wires.js";
import { kindOf } from "../../../src/llm/wires/shared/provider-error.js";

const provider = { quirks: defaultQuirks, baseUrl: "https://api.example/v1" } as Provider;

/** Refusals of one picture, in the words of the vendors, also as gateways pass them on. */
const refusals: [WireName, object][] = [
  [
    "chat",
    {
      message:
        "You uploaded an unsupported image. Please make sure your image has of one the following formats: ['png', 'jpeg', 'gif', 'webp'].",
      code: "invalid_image_format",
    },
  ],
  ["chat", { message: "Could not process image" }],
  [
    "chat",
    { message: "openai error: Unable to process input image. Please retry or report in https://x.example/guide" },
  ],
  ["chat", { message: "Provided image is not valid.", code: 400, status: "INVALID_ARGUMENT" }],
  [
    "responses",
    {
      message: "The image data you provided does not represent a valid image. Please check your input and try again.",
      code: "invalid_value",
    },
  ],
  ["responses", { message: "Could not process image" }],
  ["messages", { message: "Could not process image", type: "invalid_request_error" }],
  [
    "messages",
    {
      message:
        "messages.38.content.0.image.source.base64.data: At least one of the image dimensions exceed max allowed size for many-image requests: 2000 pixels",
    },
  ],
  ["messages", { message: "messages.2.content.0.image.source.base64: image exceeds 5 MB maximum: 6 bytes > 5 bytes" }],
  ["messages", { message: "messages.0.content.0: unsupported image format: the media type does not match the image" }],
  ["chat", { message: "Too many images provided. This model supports up to 5 images", param: "messages" }],
  ["chat", { message: "Too many images in request. Max 8", code: "3051" }],
  ["chat", { message: "At most 1 image(s) may be provided in one prompt." }],
  ["chat", { message: "request contains 54 images, exceeding the maximum of 50 allowed per request" }],
  ["responses", { message: "Too many images provided. This model supports up to 5 images" }],
  ["messages", { message: "messages: too many images and documents: 120 + 0 > 100" }],
  ["gemini", { message: "Unable to process input image. Please retry or report in https://x.example", code: 400 }],
  ["gemini", { message: "Provided image is not valid.", code: 400 }],
  ["gemini", { message: "Request contains an invalid argument.", code: 400 }],
  [
    "gemini",
    {
      message:
        "Invalid value at 'contents[2].parts[1].inline_data.data' (TYPE_BYTES), Base64 decoding failed for \"data:image\"",
      code: 400,
    },
  ],
];

test.each(refusals)("over %s, a picture is left out, and others still go out: %j", (name, error) => {
  const wire = wireOf(name);
  const said = wire.error(JSON.stringify({ error }), 400);
  expect(kindOf(said)).toBe("bad_request");
  const [lesson] = wire.learn(said, wire.quirks(provider, "m"));
  expect(lesson).toMatchObject({ leavesOutMedia: true });
});

test.each<[WireName, string]>([
  ["chat", "This model does not support image input"],
  ["chat", "This model supports up to 0 images"],
  ["responses", "This model does not support image inputs."],
  ["messages", "image content is not supported by this model"],
  ["gemini", "Unsupported MIME type: image/png"],
])("over %s, a model that takes no pictures is sent none from now on: %s", (name, message) => {
  const wire = wireOf(name);
  const [lesson] = wire.learn(wire.error(JSON.stringify({ error: { message } }), 400), wire.quirks(provider, "m"));
  expect(lesson).toMatchObject({ changes: { images: false } });
});
