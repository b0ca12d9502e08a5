import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ProviderConfig } from "../../../../src/core/config.js";
import type { CompletionRequest, Message } from "../../../../src/core/messages.js";
import { failure, json, type LlmServer, type Step, startLlmServer } from "../../../support/llm-server.js";
import { geminiClient, user } from "./gemini-client.js";

let server: LlmServer;
let refusal: { isRefused: (body: string) => boolean; message: string };

/** Refuses the requests that the test names in Gemini's words, and answers all others. */
beforeAll(async () => {
  server = await startLlmServer(({ text }): Step => {
    const { message } = refusal;
    const error = { code: 400, status: "INVALID_ARGUMENT", message };
    if (refusal.isRefused(text)) return failure(400, { body: { error } });
    return json({ candidates: [{ content: { parts: [{ text: "fine" }] }, finishReason: "STOP" }] });
  });
});
afterAll(async () => server[Symbol.asyncDispose]());

const png = { type: "image" as const, data: "AAAA", mimeType: "image/png" };
const call: Message = { role: "assistant", content: "", toolCalls: [{ id: "a", name: "f", arguments: "{}" }] };
const withPicture: Message[] = [user("go"), call, { role: "tool", toolCallId: "a", content: [png], isError: false }];
const tools = [{ name: "f", description: "", inputSchema: { type: "object", properties: { a: { const: 1 } } } }];
const effort = (value: string, model = "gemini-3.5-flash"): ProviderConfig => ({ model, reasoning: { effort: value } });

test.each<[string, RegExp, ProviderConfig, Partial<CompletionRequest>, RegExp]>([
  [
    "Function call is missing a thought_signature in functionCall parts.",
    /"functionCall":\{[^}]*\}\}(?!,"thoughtSignature)/,
    { model: "gemini-2.5-flash" },
    { messages: withPicture.slice(0, 2) },
    /"thoughtSignature":"skip/,
  ],
  [
    "Thinking level MINIMAL is not supported for this model. Please retry with other thinking level.",
    /"minimal"/,
    effort("none"),
    {},
    /"thinkingLevel":"low"/,
  ],
  ["Thinking level is not supported for this model.", /thinkingLevel/, effort("low"), {}, /"thinkingBudget":1024/],
  [
    "Budget 0 is invalid. This model only works in thinking mode.",
    /"thinkingBudget":0/,
    effort("none", "gemini-2.5-flash"),
    {},
    /"thinkingBudget":128/,
  ],
  [
    "Thinking_config.include_thoughts is only enabled when thinking is enabled.",
    /includeThoughts/,
    {},
    {},
    /^((?!thinkingConfig).)*$/,
  ],
  ["Thinking is not supported by this model.", /thinkingConfig/, {}, {}, /^((?!thinkingConfig).)*$/],
  [
    "Multimodal function responses are not supported by this model.",
    /"parts":\[\{"inlineData/,
    {},
    { messages: withPicture },
    /\},\{"inlineData/,
  ],
  ["Unsupported MIME type: image/png", /inlineData/, {}, { messages: withPicture }, /you cannot take it/],
  [
    "* GenerateContentRequest.tools[0].function_declarations[0].parameters_json_schema: invalid schema",
    /parametersJsonSchema/,
    {},
    { tools },
    /"parameters":\{"type":"object"/,
  ],
])("one refusal teaches: %s", async (message, refused, provider, request, sent) => {
  refusal = { isRefused: (body) => refused.test(body), message };
  await using ends = geminiClient(server, provider);
  const before = server.requests.length;
  for (const _ of [1, 2]) await ends.ask({ streaming: false }, { messages: [user("hi")], tools: [], ...request });
  const bodies = server.requests.slice(before).map(({ text }) => text);
  expect(bodies.map((body) => refused.test(body))).toEqual([true, false, false]);
  expect(bodies[1]).toMatch(sent);
});

test("ids that Vertex refuses are left out, and the signature stays", async () => {
  const parts = [{ functionCall: { id: "x", name: "f", args: {} }, thoughtSignature: "S" }];
  const calling = json({ candidates: [{ content: { parts }, finishReason: "STOP" }] });
  const message = `Invalid JSON payload received. Unknown name "id" at 'contents[1].parts[0].function_call': Cannot find field.`;
  const error = { code: 400, status: "INVALID_ARGUMENT", message };
  const fine = json({ candidates: [{ content: { parts: [{ text: "fine" }] }, finishReason: "STOP" }] });
  await using vertex = await startLlmServer([calling, failure(400, { body: { error } }), fine]);
  await using ends = geminiClient(vertex);
  const { message: said } = await ends.ask({ streaming: false }, { messages: [user("go")], tools: [] });
  const result: Message = { role: "tool", toolCallId: "x", content: [], isError: false };
  await ends.ask({ streaming: false }, { messages: [user("go"), said, result], tools: [] });
  const [, refused, taken] = vertex.requests.map(({ body }) => body.contents);
  const response = { functionResponse: { name: "f", response: { output: "(no output)" } } };
  expect(refused).toMatchObject([{}, { parts }, { parts: [{ functionResponse: { id: "x" } }] }]);
  expect(taken).toEqual([
    { role: "user", parts: [{ text: "go" }] },
    { role: "model", parts: [{ functionCall: { name: "f", args: {} }, thoughtSignature: "S" }] },
    { role: "user", parts: [response] },
  ]);
});
