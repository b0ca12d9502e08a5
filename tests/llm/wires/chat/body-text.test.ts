import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { CompletionRequest, ContentPart, Message } from "../../../../src/core/chat.js";
import { DEFAULT_QUIRKS, type Quirks } from "../../../../src/llm/providers/presets.js";
import { resolveModel } from "../../../../src/llm/providers/providers.js";
import { requestBody } from "../../../../src/llm/wires/chat/body.js";
import { writeBody } from "../../../../src/llm/wires/chat/body-text.js";
import { RequestBody } from "../../../../src/llm/wires/shared/request-body.js";
import { llmConfig } from "../../../support/llm-config.js";
import { runs } from "../../../support/runs.js";

const text = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: "binary", maxLength: 6 }), fc.constant(""));
const id = fc.oneof(fc.constantFrom("", "call_1", "call_2"), fc.string({ maxLength: 12 }));
const opaque = fc.option(fc.jsonValue({ maxDepth: 1 }), { nil: undefined });
const part: fc.Arbitrary<ContentPart> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant("text" as const), text }) },
  fc.record({ type: fc.constantFrom("image" as const, "audio" as const), data: text, mimeType: text }),
  fc.record({ type: fc.constant("resource_link" as const), uri: text }, { requiredKeys: ["type", "uri"] }),
);
const reasoningDetails = fc.option(
  fc.record({ from: fc.constantFrom("test/m1", "test/m2"), blocks: fc.array(fc.jsonValue({ maxDepth: 1 })) }),
  { nil: undefined },
);
const call = fc.record({ id, name: text, arguments: fc.oneof(text, fc.json()), opaque });
const content = fc.array(part, { maxLength: 3 });
const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ role: fc.constant("system" as const), content: text }),
  fc.record({ role: fc.constant("user" as const), content }),
  fc.record({
    role: fc.constant("assistant" as const),
    content: text,
    reasoning: fc.option(text, { nil: undefined }),
    toolCalls: fc.array(call, { maxLength: 3 }),
    reasoningDetails,
  }),
  fc.record({ role: fc.constant("tool" as const), toolCallId: id, content, isError: fc.boolean() }),
);
const inputSchema = fc.dictionary(fc.constantFrom("type", "properties", "anyOf", "description"), fc.jsonValue());
const tools = fc.array(fc.record({ name: text, description: text, inputSchema }), { maxLength: 3 });
const quirks: fc.Arbitrary<Quirks> = fc
  .record({
    nullContent: fc.boolean(),
    developerRole: fc.boolean(),
    echoReasoning: fc.boolean(),
    echoesOpaque: fc.boolean(),
    bridgesResults: fc.boolean(),
    emptyProperties: fc.boolean(),
    images: fc.boolean(),
    audio: fc.boolean(),
    streamUsage: fc.boolean(),
    temperature: fc.boolean(),
    parallelToolCalls: fc.boolean(),
    toolIds: fc.constantFrom("any" as const, "nine_alphanumeric" as const),
    toolSchemas: fc.constantFrom("full" as const, "plain" as const),
    tokenLimitKey: fc.constantFrom("max_tokens" as const, "max_completion_tokens" as const),
    reasoningKey: fc.constantFrom("reasoning" as const, "reasoning_effort" as const, "none" as const),
  })
  .map((some) => ({ ...DEFAULT_QUIRKS, ...some }));
const extraBody = fc.dictionary(
  fc.constantFrom("seed", "1", "messages", "tools", "tool_choice", "parallel_tool_calls", 'a "key"'),
  fc.jsonValue({ maxDepth: 1 }),
);

/** A request made of earlier messages and tools in some order, and a change that a caller has made to one of them. */
const step = fc.record({
  picks: fc.array(fc.nat(), { maxLength: 8 }),
  hasTools: fc.boolean(),
  streaming: fc.boolean(),
  toolChoice: fc.constantFrom(undefined, "required" as const, { name: "a" }, { name: "b" }),
  parallelToolCalls: fc.constantFrom(undefined, true, false),
  change: fc.option(fc.record({ place: fc.nat(), text }), { nil: undefined }),
});

function changed(message: Message, to: string): void {
  if (message.role === "system" || message.role === "assistant") message.content = to;
  else if (message.content[0]?.type === "text") message.content[0].text = to;
  else message.content.push({ type: "text", text: to });
}

function bytesOf({ texts, encoding }: RequestBody): Buffer {
  return Buffer.concat(texts.map((each) => Buffer.from(each, encoding)));
}

test("whatever was sent before, a request is the text that JSON.stringify makes of it", () => {
  const all = { messages: fc.array(message, { minLength: 1, maxLength: 6 }), tools, quirks, extraBody };
  fc.assert(
    fc.property(fc.record(all), fc.array(step, { maxLength: 8 }), ({ messages, tools, quirks, extraBody }, steps) => {
      const { provider, model } = resolveModel(llmConfig("http://127.0.0.1:1/v1", {}, { extraBody }), {}, "test/");
      for (const { picks, hasTools, streaming, change, ...use } of steps) {
        const at = (place: number) => messages[place % messages.length] as Message;
        if (change) changed(at(change.place), change.text);
        const request: CompletionRequest = { messages: picks.map(at), tools: hasTools ? tools : [], ...use };
        const options = { provider, model, streaming, quirks, kept: () => undefined };
        const body = writeBody(request, options);
        const plain = JSON.stringify(requestBody(request, options));
        expect(String(body)).toBe(plain);
        expect(bytesOf(body).equals(Buffer.from(plain))).toBe(true);
        expect(body.length).toBe(Buffer.byteLength(plain));
      }
    }),
    { numRuns: runs(150) },
  );
});

test("a long conversation is the same text in pieces, in one alphabet or in several", () => {
  for (const words of ["the sea ", "das Meer, größer ", "море ", "🌊 "]) {
    const pieces = Array.from({ length: 400 }, (_, place) => words.repeat(place));
    const body = new RequestBody();
    for (const piece of pieces) body.add(piece);
    expect(body.texts.length).toBeGreaterThan(5);
    expect(bytesOf(body).equals(Buffer.from(pieces.join("")))).toBe(true);
  }
});
