import { expect, test } from "@jest/globals";
import type { CompletionRequest } from "../../../../src/core/messages.js";
import { answer, failure, type LlmRequest, startLlmServer } from "../../../support/llm-server.js";
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

const isSent = ({ text }: LlmRequest) => ({ image: text.includes("image_url"), audio: text.includes("input_audio") });

test("a model that takes no pictures is sent a word on them, also where a tool returned one", async () => {
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

test.each([
  ["Invalid content type. image_url is only supported by certain models.", { image: false, audio: true }],
  ["Failed to deserialize: messages[0]: unknown variant `image_url`, expected `text`", { image: false, audio: true }],
  ["This model does not support image input", { image: false, audio: true }],
  ["Audio content is not supported by this model", { image: true, audio: false }],
])("what a refusal says is learnt: %s", async (message, left) => {
  await using server = await startLlmServer([
    failure(400, { body: { error: { message } } }),
    answer("ok"),
    answer("ok"),
  ]);
  await using ends = clientOf(server);
  for (let time = 0; time < 2; time++) await ends.ask({ streaming }, request);
  expect(server.requests.map(isSent)).toEqual([{ image: true, audio: true }, left, left]);
});

test.each([
  "You uploaded an unsupported image. Please make sure your image has of one of the following formats: png, jpeg",
  "image_url: image size is not supported",
])("a refusal of this one picture teaches nothing about pictures: %s", async (message) => {
  await using server = await startLlmServer([failure(400, { body: { error: { message } } })]);
  await using ends = clientOf(server);
  await expect(ends.ask({ streaming }, request)).rejects.toMatchObject({ kind: "bad_request" });
});
