import { expect, test } from "@jest/globals";
import type { ProviderConfig } from "../../../../src/core/config.js";
import type { ContentPart, Message } from "../../../../src/core/messages.js";
import { vendorOf } from "../../../../src/llm/providers/vendors.js";
import { messages as wire } from "../../../../src/llm/wires/messages/messages-wire.js";
import { answer, startAnthropic } from "../../../support/strict/index.js";
import { clientOf } from "../../client-of.js";
import { loopTools, messagesClient, user } from "./loop.js";

const text = (words: string): ContentPart => ({ type: "text", text: words });
const png: ContentPart = { type: "image", data: "iVBORw0KGgo=", mimeType: "image/png" };
const assistant = (content: string, ...ids: string[]): Message => ({
  role: "assistant",
  content,
  toolCalls: ids.map((id) => ({ id, name: "calc__add", arguments: '{"a":1}' })),
});
const result = (toolCallId: string, content: ContentPart[], isError = false): Message => ({
  role: "tool",
  toolCallId,
  content,
  isError,
});
const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" } };
const use = (id: string) => ({ type: "tool_use", id, name: "calc__add", input: { a: 1 } });
const said = (words: string) => ({ type: "text", text: words });
const noResult = (id: string) => ({
  type: "tool_result",
  tool_use_id: id,
  content: "no result: the call was not run, or its result is not known",
  is_error: true,
});

/** Conversations as hosts and callers of doors send them, and the form that the vendor accepts. `-`: a message of the user or assistant. */
test.each<[string, Message[], unknown[]]>([
  [
    "results of a hop together and first, in the order of the calls, then what the user says",
    [user("go"), assistant("", "a", "b"), result("b", [text("B")]), result("a", [text("A"), text("A2")]), user("more")],
    [
      [said("go")],
      [use("a"), use("b")],
      [
        { type: "tool_result", tool_use_id: "a", content: [said("A"), said("A2")] },
        { type: "tool_result", tool_use_id: "b", content: "B" },
        said("more"),
      ],
    ],
  ],
  [
    "ids of other providers in another form, the same in call and result",
    [
      user("go"),
      assistant("", "functions.add:0", "functions.add:1"),
      result("functions.add:0", [text("A")]),
      result("functions.add:1", [text("B")]),
    ],
    [
      [said("go")],
      [use("call_KqsrnmsQ_nckAGMqyZJ82QeY"), use("call_hxcEIDev1phwBMyYJ_LTdn9z")],
      [
        { type: "tool_result", tool_use_id: "call_KqsrnmsQ_nckAGMqyZJ82QeY", content: "A" },
        { type: "tool_result", tool_use_id: "call_hxcEIDev1phwBMyYJ_LTdn9z", content: "B" },
      ],
    ],
  ],
  [
    "no id at all",
    [user("go"), assistant("", "", ""), result("", [text("A")]), result("", [text("B")])],
    [
      [said("go")],
      [use("call_unnamed_1"), use("call_unnamed_2")],
      [
        { type: "tool_result", tool_use_id: "call_unnamed_1", content: "A" },
        { type: "tool_result", tool_use_id: "call_unnamed_2", content: "B" },
      ],
    ],
  ],
  [
    "calls without results, in the middle and at the end",
    [user("go"), assistant("x", "a", "b"), result("b", [text("B")]), assistant("y", "c")],
    [
      [said("go")],
      [said("x"), use("a"), use("b")],
      [noResult("a"), { type: "tool_result", tool_use_id: "b", content: "B" }],
      [said("y"), use("c")],
      [noResult("c")],
    ],
  ],
  [
    "a result without its call, and one that came twice",
    [user("go"), result("z", [text("Z")]), assistant("", "a"), result("a", [text("A")]), result("a", [text("again")])],
    [
      [said("go"), said("[The result of an earlier tool call:]"), said("Z")],
      [use("a")],
      [
        { type: "tool_result", tool_use_id: "a", content: "A" },
        said("[The result of an earlier tool call:]"),
        said("again"),
      ],
    ],
  ],
  [
    "pictures in a result, and a failed call with one",
    [user("go"), assistant("", "a", "b"), result("a", [png]), result("b", [text("broken"), png], true)],
    [
      [said("go")],
      [use("a"), use("b")],
      [
        { type: "tool_result", tool_use_id: "a", content: [image] },
        {
          type: "tool_result",
          tool_use_id: "b",
          content: [said("broken"), said("(1 picture(s) after the results)")],
          is_error: true,
        },
        image,
      ],
    ],
  ],
  [
    "texts without words, answers without anything",
    [user("go"), assistant(" \n"), user(""), assistant("", "a"), result("a", [text(""), text(" ")])],
    [[said("go")], [use("a")], [{ type: "tool_result", tool_use_id: "a", content: "(no output)" }]],
  ],
  [
    "an answer first",
    [assistant("hello"), user("hi")],
    [[said("[The beginning of the conversation is left out.]")], [said("hello")], [said("hi")]],
  ],
  [
    "what no model takes, in words",
    [
      {
        role: "user",
        content: [
          { type: "audio", data: "AAAA", mimeType: "audio/wav" },
          { type: "image", data: "PHN2Zz48L3N2Zz4=", mimeType: "image/svg+xml" },
          { type: "resource_link", uri: "file:///a", name: "a" },
        ],
      },
    ],
    [
      [
        said("[audio audio/wav, 3 bytes: it is in the log, but you cannot take it]"),
        said("[image image/svg+xml, 12 bytes: it is in the log, but you cannot take it]"),
        said("[resource file:///a (a)]"),
      ],
    ],
  ],
])("%s", async (_name, messages, expected) => {
  await using mock = await startAnthropic([answer("ok")]);
  await using client = messagesClient(mock, { cache: "off" });
  await client.ask({ streaming: true }, { messages, tools: loopTools });
  expect(mock.refusals).toEqual([]);
  const sent = mock.requests[0]?.body.messages as { content: unknown }[];
  expect(sent.map(({ content }) => content)).toEqual(expected);
});

test("arguments that are not an object, a name that no API takes, and a system message where it stands", async () => {
  await using mock = await startAnthropic([answer("ok")]);
  await using client = messagesClient(mock, { cache: "off" });
  const toolCalls = [{ id: "a", name: "no such.tool", arguments: '{"a": ' }];
  const messages: Message[] = [
    { role: "system", content: "one" },
    { role: "system", content: "two" },
    user("go"),
    { role: "assistant", content: "", toolCalls },
    { role: "system", content: "three" },
    { role: "system", content: "" },
  ];
  await client.ask({ streaming: true }, { messages, tools: loopTools });
  expect(mock.requests[0]?.body).toMatchObject({
    system: [said("one\n\ntwo")],
    messages: [
      { content: [said("go")] },
      { content: [{ name: "no_such_tool", input: { invalid_json: '{"a": ' } }] },
      { content: [{ type: "tool_result" }, said("<system>\nthree\n</system>")] },
    ],
  });
});

test("schemas with a choice at the top, which the vendor refuses, are sent without it", async () => {
  await using mock = await startAnthropic([answer("ok")]);
  await using client = messagesClient(mock);
  const inputSchema = { anyOf: [{ type: "object", properties: { a: { type: "string" } } }, { type: "object" }] };
  const tools = [
    { name: "t", description: "", inputSchema },
    { name: "u", description: "", inputSchema: {} },
  ];
  await client.ask({ streaming: true }, { messages: [user("hi")], tools });
  expect(mock.refusals).toEqual([]);
});

test.each<[string, string, ProviderConfig, object]>([
  ["https://api.anthropic.com/v1", "sk-ant-api03-x", {}, { "x-api-key": "sk-ant-api03-x" }],
  [
    "https://api.anthropic.com/v1",
    "sk-ant-oat01-x",
    {},
    { authorization: "Bearer sk-ant-oat01-x", "anthropic-beta": "oauth-2025-04-20" },
  ],
  ["https://openrouter.ai/api", "sk-or-x", {}, { authorization: "Bearer sk-or-x" }],
  ["https://api.deepseek.com/anthropic", "sk-x", {}, { "x-api-key": "sk-x" }],
  ["https://api.anthropic.com/v1", "sk-ant-x", { headers: { Authorization: "Bearer own" } }, {}],
])("the key of %s: %s", (baseUrl, key, { headers }, expected) => {
  const provider = { vendor: vendorOf("mine", { baseUrl }), headers } as Parameters<typeof wire.headers>[0];
  expect(wire.headers(provider, key)).toEqual({ "anthropic-version": "2023-06-01", ...expected });
});

test.each([
  ["https://api.anthropic.com/v1", "https://api.anthropic.com/v1/messages"],
  ["https://api.deepseek.com/anthropic/", "https://api.deepseek.com/anthropic/v1/messages"],
  ["https://gateway.test/api?team=a", "https://gateway.test/api/v1/messages?team=a"],
])("requests to %s are posted to %s", (baseUrl, expected) => {
  const provider = { baseUrl, quirks: {} } as Parameters<typeof wire.url>[0]["provider"];
  expect(wire.url({ provider, model: "m", streaming: true })).toBe(expected);
});

test("a body's extra fields are merged into what the host says", async () => {
  await using mock = await startAnthropic([answer("ok")]);
  const extraBody = {
    output_config: { format: { type: "json_schema", schema: { type: "object", additionalProperties: false } } },
    metadata: { user_id: "u" },
  };
  await using client = clientOf(
    mock,
    {},
    { wire: "messages", model: "claude-opus-5", reasoning: { effort: "low" }, extraBody },
  );
  await client.ask({ streaming: true }, { messages: [user("hi")], tools: [] });
  expect(mock.requests[0]?.body).toMatchObject({
    ...extraBody,
    output_config: { effort: "low", ...extraBody.output_config },
  });
});
