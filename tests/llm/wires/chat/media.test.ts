import { expect, test } from "@jest/globals";
import type { CompletionRequest, Message } from "../../../../src/core/messages.js";
import { answer, failure, type LlmRequest, startLlmServer, stream } from "../../../support/llm-server.js";
import { clientOf } from "../../client-of.js";

const image = { type: "image" as const, data: "aGVsbG8h", mimeType: "image/png" };
const audio = { type: "audio" as const, data: "aGVsbG8h", mimeType: "audio/wav" };
const request: CompletionRequest = {
  messages: [
    { role: "user", content: [{ type: "text", text: "look" }, image, audio] },
    { role: "assistant", content: "", toolCalls: [{ id: "call_1", name: "s__shot", arguments: "{}" }] },
    { role: "tool", toolCallId: "call_1", content: [image], isError: false },
  ],
  tools: [],
};
const streaming = false;
const user = (text: string): Message => ({ role: "user", content: [{ type: "text", text }] });

const isSent = ({ text }: LlmRequest) => ({ image: text.includes("image_url"), audio: text.includes("input_audio") });

test("a model without pictures is sent a note instead, also for a tool's picture", async () => {
  await using server = await startLlmServer([answer("ok")]);
  await using ends = clientOf(server, {}, { quirks: { images: false } });
  await ends.ask({ streaming }, request);
  const sent = server.requests[0] as LlmRequest;
  expect(isSent(sent)).toEqual({ image: false, audio: true });
  expect(sent.body.messages?.at(-1)).toMatchObject({
    role: "tool",
    content: "[image image/png, 6 bytes: it is in the log, but you cannot take it]",
  });
});

const noImage = { image: false, audio: true };

test.each([
  [400, "Invalid content type. image_url is only supported by certain models.", noImage],
  [400, "Failed to deserialize: messages[0]: unknown variant `image_url`, expected `text`", noImage],
  [400, "This model does not support image input", noImage],
  [400, "Image input is not enabled for this model", noImage], // Mistral
  [400, "At most 0 image(s) may be provided in one prompt.", noImage], // vLLM
  [400, "Audio content is not supported by this model", { image: true, audio: false }],
  // Groq (vercel/ai#2837), vLLM (vllm#23402), llama.cpp (llama.cpp#15377), OpenRouter, older Ollama (open-webui#13077).
  [400, "'messages.0' : messages[0].content must be a string", noImage],
  [400, "m1 is not a multimodal model", noImage],
  [500, "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj", noImage],
  [404, "No endpoints found that support image input", noImage],
  [
    500,
    "Failed to create new sequence: failed to process inputs: this model is missing data required for image input",
    noImage,
  ],
])("a refusal is learnt: %i %s", async (status, message, left) => {
  await using server = await startLlmServer([
    failure(status, { body: { error: { message } } }),
    answer("ok"),
    answer("ok"),
  ]);
  await using ends = clientOf(server);
  for (let time = 0; time < 2; time++) await ends.ask({ streaming }, request);
  expect(server.requests.map(isSent)).toEqual([{ image: true, audio: true }, left, left]);
});

test("a refusal of pictures inside a 200 stream is learnt, as LM Studio sends it", async () => {
  await using server = await startLlmServer([stream([{ error: "Model does not support images." }]), answer("ok")]);
  await using ends = clientOf(server, { maxRetries: 0 });
  await ends.ask({ streaming: true }, request);
  expect(server.requests.map(isSent)).toEqual([{ image: true, audio: true }, noImage]);
});

test("llama.cpp's refusal of a user's message after a tool's result is learnt in spite of its status 500", async () => {
  const message =
    "Jinja Exception: After the optional system message, conversation roles must alternate user/assistant/...";
  await using server = await startLlmServer([
    failure(500, { body: { error: { code: 500, message, type: "server_error" } } }),
    answer("ok"),
  ]);
  await using ends = clientOf(server, { maxRetries: 0 });
  const [, calling, result] = request.messages;
  await ends.ask({ streaming }, { messages: [user("look"), calling, result, user("and?")] as Message[], tools: [] });
  const roles = server.requests.map(({ body }) => body.messages?.map(({ role }) => role).join(" "));
  expect(roles[1]).toMatch(/tool assistant user$/);
});

test.each([
  "You uploaded an unsupported image. Please make sure your image has of one of the following formats: png, jpeg",
  "image_url: image size is not supported",
])("a refusal of the user's picture fails, and teaches nothing about pictures: %s", async (message) => {
  await using server = await startLlmServer(({ body }) =>
    JSON.stringify(body.messages?.[0]).includes("image_url")
      ? failure(400, { body: { error: { message } } })
      : answer("ok"),
  );
  await using ends = clientOf(server);
  const asked = { streaming };
  await expect(ends.ask(asked, request)).rejects.toMatchObject({ kind: "bad_request" });
  await ends.ask(asked, { ...request, messages: [user("look"), ...request.messages.slice(1)] });
  expect(server.requests.at(-1)?.text).toContain("image_url");
});

test.each([
  ["of another parameter", "image-chat-1: Unsupported parameter: 'temperature'.", /"temperature"/],
  ["of a tool", "Invalid schema for function 'image_search': 'const' is not permitted.", /"const"/],
])("a refusal %s that happens to mention images leaves no picture out", async (_what, message, wrong) => {
  await using server = await startLlmServer(({ text }) =>
    wrong.test(text) ? failure(400, { body: { error: { message } } }) : answer("ok"),
  );
  await using ends = clientOf(server);
  const inputSchema = { type: "object", properties: { kind: { const: "photo" } } };
  const tools = [{ name: "image_search", description: "", inputSchema }];
  const messages = [user("look"), ...request.messages.slice(1)];
  for (let time = 0; time < 2; time++) await ends.ask({ streaming }, { messages, tools, temperature: 0.5 });
  for (const sent of server.requests.slice(-2)) expect(isSent(sent).image).toBe(true);
});

test("a refusal that begins with the word Image leaves the sound of the same answer alone", async () => {
  const [, calling, result] = request.messages;
  const messages = [
    user("look"),
    calling,
    { ...result, content: [image, { ...audio, data: "T2dnUw==" }] },
  ] as Message[];
  const error = { message: "Image too large" };
  await using server = await startLlmServer([failure(400, { body: { error } }), answer("ok")]);
  await using ends = clientOf(server);
  await ends.ask({ streaming }, { messages, tools: [] });
  expect(server.requests.map(isSent)).toEqual([
    { image: true, audio: true },
    { image: false, audio: true },
  ]);
});

test("a tool's sound that is refused becomes a note, pictures are still sent, and the next request repeats neither mistake", async () => {
  const ogg = { ...audio, data: "T2dnUw==", mimeType: "audio/ogg" };
  const [, calling, result] = request.messages;
  const messages = [user("listen"), calling, { ...result, content: [image, ogg] }] as Message[];
  const error = {
    message: "Invalid value: 'ogg'. Supported values are: 'wav' and 'mp3'.",
    param: "messages[3].content[2].input_audio.format",
    code: "invalid_value",
  };
  await using server = await startLlmServer([failure(400, { body: { error } }), answer("ok"), answer("ok")]);
  await using ends = clientOf(server);
  for (let time = 0; time < 2; time++) await ends.ask({ streaming }, { messages, tools: [] });
  const left = { image: true, audio: false };
  expect(server.requests.map(isSent)).toEqual([{ image: true, audio: true }, left, left]);
});

test.each([
  "This model supports up to 2 images",
  "Too many images in request. Max 2",
  "At most 2 image(s) may be provided",
  "messages.2.content.0.image: At least one of the image dimensions exceed max allowed size for many-image requests: 2000 pixels",
])(
  "if there are too many pictures, the oldest become notes, and other conversations keep theirs: %s",
  async (message) => {
    const pictures = (text: string) => text.match(/data:image[^"]+/g) ?? [];
    await using server = await startLlmServer(({ text }) =>
      pictures(text).length > 2 ? failure(400, { body: { error: { message } } }) : answer("ok"),
    );
    await using ends = clientOf(server);
    const [asked, calling, result] = request.messages;
    const shot = (name: string) => ({ ...image, data: btoa(name) });
    const looks = ["first", "second", "third", "fourth", "fifth"].flatMap((name) => [
      calling,
      { ...result, content: [shot(name)] },
    ]);
    await ends.ask({ streaming }, { messages: [asked, ...looks] as Message[], tools: [] });
    expect(pictures(server.requests.at(-1)?.text ?? "").at(-1)).toContain(btoa("fifth"));
    await ends.ask({ streaming }, request);
    expect(isSent(server.requests.at(-1) as LlmRequest).image).toBe(true);
  },
);
