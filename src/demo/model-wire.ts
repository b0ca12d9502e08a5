/** Parses requests and writes responses of OpenAI's Chat Completions API, for the demo model's server. */

import { newId } from "../core/ids.js";
import { isPlainObject, type JsonObject } from "../core/json.js";
import type { DemoTool } from "./model-phrases.js";
import type { DemoMessage, DemoReply } from "./model-rules.js";

export interface ChatRequest {
  model: string;
  messages: DemoMessage[];
  tools: DemoTool[];
  stream: boolean;
  includeUsage: boolean;
}

/** Reads the parsed body of a request. Throws an Error that says what is wrong with the body. */
export function readDemoRequest(body: unknown): ChatRequest {
  const { model, messages, tools = [], tool_choice, stream, stream_options: streamOptions } = object(body, "the body");
  if (typeof model !== "string") throw new Error("'model' must be a string");
  return {
    model,
    messages: list(messages, "'messages'").map((message) => readMessage(object(message, "a message"))),
    tools: list(tool_choice === "none" ? [] : tools, "'tools'").map((tool) =>
      readTool(object(object(tool, "a tool").function, "a tool's 'function'")),
    ),
    stream: stream === true,
    includeUsage: isPlainObject(streamOptions) && streamOptions.include_usage === true,
  };
}

function readMessage({ role, content, tool_calls: calls = [], tool_call_id: callId }: JsonObject): DemoMessage {
  if (typeof role !== "string") throw new Error("a message's 'role' must be a string");
  const parts = Array.isArray(content) ? content.filter(isPlainObject).map(({ text }) => text) : [content];
  return {
    role,
    text: parts.filter((part) => typeof part === "string").join("\n"),
    calls: list(calls, "'tool_calls'").map((call) => {
      const { id, function: called } = object(call, "a tool call");
      return { id: String(id), name: String(object(called, "a tool call's 'function'").name) };
    }),
    callId: String(callId),
  };
}

function readTool({ name, parameters }: JsonObject): DemoTool {
  if (typeof name !== "string") throw new Error("a tool's name must be a string");
  const { properties, required } = isPlainObject(parameters) ? parameters : {};
  const types = isPlainObject(properties) ? properties : {};
  const first = Array.isArray(required) ? required.map(String) : [];
  const names = [...new Set([...first, ...Object.keys(types)])];
  const typeOf = (schema: unknown) => (isPlainObject(schema) ? String(schema.type) : "");
  return { name, properties: names.map((property) => ({ name: property, type: typeOf(types[property]) })) };
}

function object(value: unknown, what: string): JsonObject {
  if (!isPlainObject(value)) throw new Error(`${what} must be a JSON object`);
  return value;
}

function list(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value)) throw new Error(`${what} must be a list`);
  return value;
}

export function writeError(message: string, code: string | null): JsonObject {
  return { error: { message, type: "invalid_request_error", param: null, code } };
}

export function writeCompletion(request: ChatRequest, reply: DemoReply): JsonObject {
  const calls = toolCalls(reply);
  const message = { role: "assistant", content: reply.text ?? null, tool_calls: calls.length > 0 ? calls : undefined };
  const choice = { index: 0, message, logprobs: null, finish_reason: finishReason(reply) };
  return { ...envelope("chat.completion", request), choices: [choice], usage: usage(request, reply) };
}

/**
 * Returns the chunks of a streamed response. The chunks together have the same content as `writeCompletion`; texts and arguments are cut
 * into small pieces.
 */
export function writeChunks(request: ChatRequest, reply: DemoReply): JsonObject[] {
  const shared = envelope("chat.completion.chunk", request);
  const chunk = (delta: JsonObject, reason: string | null = null) => ({
    ...shared,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: reason }],
  });
  const calls = toolCalls(reply).flatMap(({ function: { name, arguments: text }, ...call }, index) => [
    chunk({ tool_calls: [{ index, ...call, function: { name, arguments: "" } }] }),
    ...pieces(text).map((piece) => chunk({ tool_calls: [{ index, function: { arguments: piece } }] })),
  ]);
  return [
    chunk({ role: "assistant", content: reply.text === undefined ? null : "" }),
    ...pieces(reply.text ?? "").map((content) => chunk({ content })),
    ...calls,
    chunk({}, finishReason(reply)),
    ...(request.includeUsage ? [{ ...shared, choices: [], usage: usage(request, reply) }] : []),
  ];
}

function toolCalls({ calls = [] }: DemoReply) {
  return calls.map((called) => ({ id: newId("call"), type: "function", function: called }));
}

function finishReason({ calls }: DemoReply): string {
  return calls ? "tool_calls" : "stop";
}

function envelope(kind: string, { model }: ChatRequest): JsonObject {
  return { id: newId("chatcmpl"), object: kind, created: Math.floor(Date.now() / 1000), model };
}

/** Splits a text into pieces of up to four characters. No emoji is cut in two. */
function pieces(text: string): string[] {
  return text.match(/.{1,4}/gsu) ?? [];
}

/** Estimates one token for every four characters, because there is no tokenizer. */
function usage({ messages }: ChatRequest, reply: DemoReply): JsonObject {
  const count = (text: string) => Math.ceil(text.length / 4);
  const prompt = messages.reduce((sum, { text }) => sum + count(text), 0);
  const completion = count(reply.text ?? JSON.stringify(reply.calls));
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}
