import { expect, test } from "@jest/globals";
import type { ProviderConfig } from "../../../../src/core/config.js";
import type { AssistantMessage, CompletionRequest, ContentPart, Message } from "../../../../src/core/messages.js";
import { resolveModel } from "../../../../src/llm/providers/providers.js";
import { requestBody } from "../../../../src/llm/wires/chat/body.js";
import { llmConfig } from "../../../support/llm-config.js";

const env = { OPENAI_API_KEY: "k", GEMINI_API_KEY: "k", MISTRAL_API_KEY: "k" };

const kept = (message: AssistantMessage) => message.kept?.parts;

/** Returns the body as it is sent: without undefined fields. */
function body(
  request: Partial<CompletionRequest>,
  { name = "test/", provider = {} as ProviderConfig, streaming = true } = {},
) {
  const resolved = resolveModel(llmConfig("http://127.0.0.1:1/v1", {}, provider), env, name);
  const target = { ...resolved, streaming, quirks: resolved.provider.quirks, kept };
  return JSON.parse(JSON.stringify(requestBody({ messages: [], tools: [], ...request }, target)));
}

const messagesOf = (messages: Message[], name?: string) => body({ messages }, { name }).messages;
const text = (words: string): ContentPart => ({ type: "text", text: words });
const image: ContentPart = { type: "image", data: "AAAA", mimeType: "image/png" };

test("parameters come from the request, then from the provider, and extra_body has the last word", () => {
  const provider = {
    temperature: 0.7,
    topP: 0.9,
    maxTokens: 100,
    reasoning: { effort: "low" },
    extraBody: { seed: 1, top_p: 1 },
  };
  expect(body({ temperature: 0, maxTokens: 5 }, { provider })).toEqual({
    model: "m1",
    messages: [],
    temperature: 0,
    top_p: 1,
    max_tokens: 5,
    stream: true,
    stream_options: { include_usage: true },
    reasoning: { effort: "low" },
    seed: 1,
  });
});

test("a whole answer is asked for without stream options, no tools without the key", () => {
  expect(body({}, { streaming: false })).toEqual({ model: "m1", messages: [], stream: false });
});

test("the token limit has the key that the provider knows, and stream_options go only where they are understood", () => {
  expect(body({ maxTokens: 5 }, { name: "openai/" })).toMatchObject({ max_completion_tokens: 5 });
  expect(body({ maxTokens: 5 }, { name: "mistral/" })).toMatchObject({ max_tokens: 5, stream: true });
  expect(body({}, { name: "mistral/" })).not.toHaveProperty("stream_options");
});

test("tools, with a schema that says it is of an object, and which properties that has", () => {
  const tools = [
    { name: "fs__read", description: "Reads", inputSchema: { type: "object" } },
    { name: "x", description: "", inputSchema: {} },
  ];
  const noParameters = { type: "object", properties: {} };
  expect(body({ tools }).tools).toEqual([
    { type: "function", function: { name: "fs__read", description: "Reads", parameters: noParameters } },
    { type: "function", function: { name: "x", parameters: noParameters } },
  ]);
});

test("text is a plain string; images, audio and links go as parts", () => {
  const link: ContentPart = { type: "resource_link", uri: "file:///a", name: "a", mimeType: "text/plain" };
  expect(
    messagesOf([
      { role: "system", content: "be kind" },
      { role: "user", content: [text("one"), text("two"), { type: "resource_link", uri: "db://1" }] },
      { role: "assistant", content: "ok", toolCalls: [] },
      { role: "user", content: [text("look"), image, { type: "audio", data: "BBBB", mimeType: "audio/mpeg" }, link] },
    ]),
  ).toEqual([
    { role: "system", content: "be kind" },
    { role: "user", content: "one\ntwo\n[resource db://1]" },
    { role: "assistant", content: "ok" },
    {
      role: "user",
      content: [
        { type: "text", text: "look" },
        { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
        { type: "input_audio", input_audio: { data: "BBBB", format: "mp3" } },
        { type: "text", text: "[resource file:///a (a, text/plain)]" },
      ],
    },
  ]);
});

test("user messages in a row are joined, because some servers refuse them", () => {
  const user = (...content: ContentPart[]): Message => ({ role: "user", content });
  expect(messagesOf([user(text("one")), user(text("two")), user(image)])).toEqual([
    {
      role: "user",
      content: [
        { type: "text", text: "one" },
        { type: "text", text: "two" },
        { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
      ],
    },
  ]);
  expect(messagesOf([user(text("one")), user(text("two"))])).toEqual([{ role: "user", content: "one\ntwo" }]);
});

test("tool results keep together; their images follow as one user message", () => {
  const result = (toolCallId: string, ...content: ContentPart[]): Message => ({
    role: "tool",
    toolCallId,
    content,
    isError: false,
  });
  const calls = ["a", "b", "c"].map((id) => ({ id, name: "f", arguments: "{}" }));
  const wire = messagesOf([
    { role: "assistant", content: "", toolCalls: calls },
    result("a", text("seen"), image),
    result("b", image),
    result("c"),
    { role: "user", content: [text("and?")] },
  ]);
  expect(wire.map(({ role }: { role: string }) => role)).toEqual(["assistant", "tool", "tool", "tool", "user"]);
  expect(wire.slice(1, 4)).toEqual([
    { role: "tool", tool_call_id: "a", content: "seen" },
    { role: "tool", tool_call_id: "b", content: "(1 attachment(s) in the next user message)" },
    { role: "tool", tool_call_id: "c", content: "(no output)" },
  ]);
  const types = wire[4].content.map(({ type }: { type: string }) => type);
  expect(types).toEqual(["text", "image_url", "text", "image_url", "text"]);
});

test("content beside tool calls is null or empty, as the provider demands; without calls it is never null", () => {
  const calling: Message = { role: "assistant", content: "", toolCalls: [{ id: "a", name: "f", arguments: "{}" }] };
  expect(messagesOf([calling])[0].content).toBeNull();
  expect(messagesOf([calling], "ollama/")[0].content).toBe("");
  expect(messagesOf([{ role: "assistant", content: "", toolCalls: [] }])).toEqual([{ role: "assistant", content: "" }]);
});

test("fields that the provider attached to a call go back to providers that demand them, not to those that refuse unknown keys", () => {
  const attached = { google: { thought_signature: "S" } };
  const parts = [{ call: 0, extra: { extra_content: attached } }];
  const origin = { wire: "chat", provider: "gemini", account: "a1", model: "m1", parts };
  const history: Message[] = [
    { role: "assistant", content: "", toolCalls: [{ id: "a", name: "f", arguments: "{}" }], kept: origin },
  ];
  expect(messagesOf(history, "gemini/")[0].tool_calls[0].extra_content).toEqual(attached);
  expect(messagesOf(history, "openai/")[0].tool_calls[0]).not.toHaveProperty("extra_content");
});

test("an id is never empty, and a result has its call's id", () => {
  const call = (id: string) => ({ id, name: "f", arguments: "{}" });
  const wire = messagesOf([
    { role: "assistant", content: "", toolCalls: [call(""), call("b"), call("")] },
    { role: "tool", toolCallId: "", content: [], isError: false },
    { role: "tool", toolCallId: "b", content: [], isError: false },
    { role: "tool", toolCallId: "", content: [], isError: false },
  ]);
  const ids = wire[0].tool_calls.map(({ id }: { id: string }) => id);
  expect(ids).toEqual(["call_unnamed_1", "b", "call_unnamed_2"]);
  expect(wire.slice(1).map((message: { tool_call_id: string }) => message.tool_call_id)).toEqual(ids);
});

test.each([
  ['{"a" :2}', '{"a" :2}'],
  ['{"a":', '{"invalid_json":"{\\"a\\":"}'],
  ["[1]", '{"invalid_json":"[1]"}'],
  ['{"n":1e50523}', '{"n":null}'],
  ['{"text":"e100"}', '{"text":"e100"}'],
])("arguments %s are replayed as %s: one bad call must not poison the conversation", (written, sent) => {
  const wire = messagesOf([
    { role: "assistant", content: "", toolCalls: [{ id: "a", name: "f", arguments: written }] },
  ]);
  expect(wire[0].tool_calls[0].function.arguments).toBe(sent);
});
