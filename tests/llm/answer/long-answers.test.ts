/** Answers that are far longer than any that a model gives. Storing one would hold up the host for seconds. */
import { expect, test } from "@jest/globals";
import { ChatFold } from "../../../src/llm/wires/chat/fold.js";
import { GeminiFold } from "../../../src/llm/wires/gemini/fold.js";
import { MessagesFold } from "../../../src/llm/wires/messages/fold.js";
import { ResponsesFold } from "../../../src/llm/wires/responses/fold.js";
import type { AnswerFold } from "../../../src/llm/wires/wire.js";
import { chunk, json, type Piece, startLlmServer, stream } from "../../support/llm-server.js";
import { clientOf } from "../client-of.js";

const megabyte = "x".repeat(1024 * 1024);
const isTooLarge = expect.stringContaining("the answer is larger than any model writes");
const call = (text: string) => ({
  tool_calls: [{ index: 0, id: "a", function: { name: "fs__read", arguments: text } }],
});

test.each<[string, object]>([
  ["text", { content: megabyte }],
  ["reasoning", { reasoning_content: megabyte }],
  ["arguments", call(megabyte)],
])("a stream of too much %s is ended, and is not asked for again", async (_, delta) => {
  const pieces: Piece[] = [...Array(17).fill(chunk(delta)), chunk({}, "stop"), "data: [DONE]\n\n"];
  await using server = await startLlmServer([stream(pieces)]);
  await using ends = clientOf(server);
  expect((await ends.fails({ streaming: true })).message).toEqual(isTooLarge);
});

test("a whole answer that is too long is ended too, and one of 15 MB is accepted", async () => {
  const whole = (times: number) =>
    json({ choices: [{ message: { content: megabyte.repeat(times) }, finish_reason: "stop" }] });
  await using server = await startLlmServer([whole(17), whole(15)]);
  await using ends = clientOf(server);
  expect((await ends.fails({ streaming: false })).message).toEqual(isTooLarge);
  expect((await ends.ask({ streaming: false })).message.content).toHaveLength(15 * megabyte.length);
});

const options = { onDelta: () => {} };
const chat = () => new ChatFold(options, { thinkTags: true });
const messages = () => new MessagesFold(options);
const responses = () => new ResponsesFold(options);
const gemini = () => new GeminiFold(options);
const choice = (delta: object) => ({ choices: [{ index: 0, delta }] });
const block = (content: object) => ({ type: "content_block_start", index: 0, content_block: content });
const blockDelta = (delta: object) => ({ type: "content_block_delta", index: 0, delta });
const item = (native: object) => ({ type: "response.output_item.done", output_index: 0, item: native });
const emptyCall = (at: number) => choice({ tool_calls: [{ id: `c${at}`, function: { name: "f" } }] });
const numbers = Array.from({ length: 11_000 }, (_, at) => at);
const part = (content: object) => ({ candidates: [{ content: { parts: [content] } }] });

test.each<[string, () => AnswerFold, object[]]>([
  ["chat: text", chat, [choice({ content: megabyte })]],
  [
    "chat: encrypted reasoning",
    chat,
    [choice({ reasoning_details: [{ type: "reasoning.encrypted", data: megabyte }] })],
  ],
  ["chat: what is attached to a call", chat, [choice({ tool_calls: [{ id: "a", extra_content: megabyte }] })]],
  ["chat: calls without arguments", chat, numbers.map(emptyCall)],
  ["messages: a block", messages, [block({ type: "redacted_thinking", data: megabyte })]],
  ["messages: text", messages, [block({ type: "text", text: megabyte })]],
  ["messages: arguments", messages, [block({ type: "tool_use" }), blockDelta({ partial_json: megabyte })]],
  ["messages: a signature", messages, [block({ type: "thinking" }), blockDelta({ signature: megabyte })]],
  ["messages: a citation", messages, [block({ type: "text" }), blockDelta({ citation: { cited_text: megabyte } })]],
  ["responses: text", responses, [{ type: "response.output_text.delta", delta: megabyte }]],
  ["responses: arguments", responses, [{ type: "response.function_call_arguments.delta", delta: megabyte }]],
  ["responses: an item", responses, [item({ type: "image_generation_call", result: megabyte })]],
  ["responses: encrypted reasoning", responses, [item({ type: "reasoning", encrypted_content: megabyte })]],
  ["gemini: text", gemini, [part({ text: megabyte })]],
  ["gemini: a thought's signature", gemini, [part({ thought: true, text: "so", thoughtSignature: megabyte })]],
  ["gemini: a call", gemini, [part({ functionCall: { name: "f", args: { path: megabyte } } })]],
  ["gemini: a picture", gemini, [part({ inlineData: { mimeType: "image/png", data: megabyte } })]],
])("the message has the whole length of %s", (_, fold, events) => {
  const folded = fold();
  for (const event of events) folded.push(event as Record<string, unknown>, undefined);
  expect(folded.length).toBeGreaterThanOrEqual(megabyte.length);
});

const said = (text: string) => ({ type: "message", content: [{ type: "output_text", text }] });
const thought = (text: string) => ({ type: "reasoning", summary: [{ type: "summary_text", text }] });
const called = (text: string) => ({ type: "function_call", call_id: "c", name: "f", arguments: text });

test.each<[string, object[]]>([
  ["text", [{ type: "response.output_text.delta", delta: megabyte }, item(said(megabyte))]],
  ["text that comes only in the final item", [item(said(megabyte))]],
  ["the text of a whole response", [{ type: "response.completed", response: { output: [said(megabyte)] } }]],
  ["reasoning", [{ type: "response.reasoning_summary_text.delta", delta: megabyte }, item(thought(megabyte))]],
  ["arguments", [{ type: "response.function_call_arguments.delta", delta: megabyte }, item(called(megabyte))]],
])("responses: %s counts once", (_, events) => {
  const folded = responses();
  for (const event of events) folded.push(event as Record<string, unknown>, undefined);
  expect(folded.length).toBeGreaterThanOrEqual(megabyte.length);
  expect(folded.length).toBeLessThan(megabyte.length + 1_000);
});
