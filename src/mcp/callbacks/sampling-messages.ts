/** Converts between the messages of `sampling/createMessage` and those of a model. */

import { asArray, asObjects, isPlainObject, type JsonObject, parseJson, textOrEmpty } from "../../core/json.js";
import {
  type Completion,
  type CompletionRequest,
  type FinishReason,
  type Message,
  type ToolCall,
  type ToolDefinition,
  textOf,
} from "../../core/messages.js";
import { isModelName } from "../../core/patterns/model-name.js";
import { contentParts } from "../protocol/result-content.js";
import { RpcRefusal } from "../shared/request-failures.js";

/**
 * Converts the parameters of `sampling/createMessage` into a request to a model, which may write `maxTokens`. Throws RpcRefusal if no model
 * can answer them.
 */
export function toRequest(params: JsonObject, maxTokens: number): CompletionRequest {
  const system = textOrEmpty(params.systemPrompt);
  const messages = asObjects(params.messages).flatMap(toMessages);
  if (messages.length === 0) throw new RpcRefusal(-32602, "a sampling request needs messages");
  const mode = isPlainObject(params.toolChoice) ? params.toolChoice.mode : undefined;
  const tools = mode === "none" ? [] : asObjects(params.tools).map(toDefinition);
  if (mode === "required" && tools.length === 0) throw new RpcRefusal(-32602, "toolChoice required needs tools");
  return {
    messages: [...(system ? [{ role: "system" as const, content: system }] : []), ...messages],
    tools,
    maxTokens,
    ...(mode === "required" && { toolChoice: mode }),
    ...(typeof params.temperature === "number" && { temperature: params.temperature }),
  };
}

/** Converts one message of the server. A user message may hold tool results as well as text; for a model, these are separate messages. */
function toMessages(message: JsonObject): Message[] {
  const { role } = message;
  const blocks = blocksOf(message);
  if (role === "assistant") {
    const words = blocks.filter(({ type }) => type !== "tool_use").flatMap(contentParts);
    const toolCalls = blocks
      .filter(({ type }) => type === "tool_use")
      .map(({ id, name, input }) => ({
        id: textOrEmpty(id),
        name: textOrEmpty(name),
        arguments: JSON.stringify(input ?? {}),
      }));
    return [{ role, content: textOf(words), toolCalls }];
  }
  const results = blocks
    .filter(({ type }) => type === "tool_result")
    .map(({ toolUseId, content: result, isError }): Message => {
      const parts = asArray(result).flatMap(contentParts);
      return { role: "tool", toolCallId: textOrEmpty(toolUseId), content: parts, isError: isError === true };
    });
  const words = blocks.filter(({ type }) => type !== "tool_result").flatMap(contentParts);
  return words.length > 0 ? [...results, { role: "user", content: words }] : results;
}

function toDefinition({ name, description, inputSchema }: JsonObject): ToolDefinition {
  if (typeof name !== "string" || !isModelName(name)) {
    throw new RpcRefusal(-32602, `models cannot call a tool named ${JSON.stringify(name)}`);
  }
  return {
    name,
    description: textOrEmpty(description),
    inputSchema: isPlainObject(inputSchema) ? inputSchema : { type: "object" },
  };
}

const stopReasons: Partial<Record<FinishReason, string>> = {
  stop: "endTurn",
  length: "maxTokens",
  tool_calls: "toolUse",
};

/** Converts the answer of the model into the result of `sampling/createMessage`. Throws RpcRefusal if MCP cannot express it. */
export function toResult({ message, finishReason, model }: Completion): JsonObject {
  const { content: text, toolCalls } = message;
  const words = { type: "text", text };
  const content = toolCalls.length > 0 ? [...(text ? [words] : []), ...toolCalls.map(toToolUse)] : words;
  return { role: "assistant", content, model, stopReason: stopReasons[finishReason] ?? finishReason };
}

function toToolUse({ id, name, arguments: text }: ToolCall): JsonObject {
  const input = parseJson(text || "{}");
  if (!isPlainObject(input)) {
    throw new RpcRefusal(-32603, `the model wrote arguments for ${name} that are not a JSON object`);
  }
  return { type: "tool_use", id, name, input };
}

/** Returns the content blocks of a message: MCP allows one block in place of a list. */
export function blocksOf({ content }: JsonObject): JsonObject[] {
  return asObjects(Array.isArray(content) ? content : [content]);
}
