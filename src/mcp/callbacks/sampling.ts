/**
 * Requests that a server sends to the model, through this host.
 * https://modelcontextprotocol.io/specification/2025-11-25/client/sampling
 */

import { LlmError } from "../../core/errors.js";
import type { Question } from "../../core/events.js";
import { asArray, isPlainObject, type JsonObject, parseJson, textOrEmpty } from "../../core/json.js";
import {
  type Completion,
  type CompletionRequest,
  type ContentPart,
  type FinishReason,
  type Message,
  type ToolCall,
  type ToolDefinition,
  textOf,
} from "../../core/messages.js";
import type { SendOptions } from "../../core/ports.js";
import { RpcRefusal } from "../protocol/refusal.js";
import { contentParts } from "../protocol/result-content.js";
import { abortable } from "../shared/wait.js";

export type Sample = (request: CompletionRequest, signal: AbortSignal) => Promise<Completion>;

const maxRequests = 20;
/** Maximum number of tokens that the model may write for a server during one tool call. */
const maxTokens = 100_000;
/** Maximum number of tokens, by estimate, that a server may send to the model during one tool call. */
const maxInputTokens = 500_000;
const mediaTokens = 1_500;
const maxPromptChars = 2000;
const defaultTokens = 1024;

export class SamplingBudget {
  #requests = maxRequests;
  #tokens = maxTokens;
  #inputTokens = maxInputTokens;

  /**
   * Reserves tokens for a request before the request is sent, because a server may send many requests at once. Returns how many tokens the
   * model may write. Unused tokens are returned with `giveBack`. Throws RpcRefusal if the budget is used up.
   */
  grant(wanted: number, inputTokens: number): number {
    if (this.#requests <= 0 || this.#tokens <= 0 || inputTokens > this.#inputTokens) {
      throw new RpcRefusal(-1, "this call's sampling budget is used up");
    }
    const granted = Math.min(Math.max(1, Math.floor(wanted)), this.#tokens);
    this.#requests -= 1;
    this.#tokens -= granted;
    this.#inputTokens -= inputTokens;
    return granted;
  }

  /** Puts back into the budget the granted tokens that the model did not use. */
  giveBack(tokens: number): void {
    this.#tokens += tokens;
  }
}

interface SamplingParts {
  sample: Sample;
  elsewhere?: SendOptions["sample"];
  ask: (question: Question) => Promise<unknown>;
  budget: SamplingBudget;
  signal: AbortSignal;
}

/** Resolves with the answer to `sampling/createMessage`. Rejects with RpcRefusal, or with the error of `sample`. */
export async function answerSampling(server: string, params: JsonObject, parts: SamplingParts): Promise<JsonObject> {
  const { sample, elsewhere, ask, budget, signal } = parts;
  const wanted = typeof params.maxTokens === "number" ? params.maxTokens : defaultTokens;
  const sentTokens = inputTokens(params);
  const granted = budget.grant(wanted, sentTokens);
  let written = 0;
  let completion: Completion;
  let request: CompletionRequest;
  try {
    const passedOn = elsewhere?.({ ...params, maxTokens: granted });
    if (passedOn) return await abortable(passedOn, signal);
    request = toRequest(params, granted);
    const prompt = promptOf(request, sentTokens);
    const allowed = await ask({ kind: "sampling", server, prompt, maxTokens: granted });
    if (allowed !== true) throw new RpcRefusal(-1, "the user did not allow the sampling request");
    completion = await sample(request, signal).catch((error: unknown) => {
      // The provider's words may name the account or its organization, which are not the server's business.
      throw error instanceof LlmError ? new RpcRefusal(-32603, `the model gave no answer (${error.kind})`) : error;
    });
    written = completion.usage?.outputTokens ?? granted;
  } finally {
    budget.giveBack(granted - written);
  }
  // Not every provider enforces `toolChoice`. Without this check the server would get an answer without the call that it required.
  if (request.toolChoice && completion.finishReason === "stop" && completion.message.toolCalls.length === 0) {
    throw new RpcRefusal(-32603, "the model called no tool, though toolChoice required it");
  }
  return toResult(completion);
}

/**
 * Estimates the tokens of a request: a quarter of a token per byte of JSON, and a fixed number per picture or sound. Only the data of
 * image and audio content counts as a picture or sound. Data elsewhere, such as in a tool's schema, is text for the model.
 */
function inputTokens({ messages, systemPrompt, tools }: JsonObject): number {
  const media = asArray(messages)
    .filter(isPlainObject)
    .flatMap(blocksOf)
    .flatMap((block) => (block.type === "tool_result" ? asArray(block.content).filter(isPlainObject) : [block]))
    .flatMap(({ type, data }) => ((type === "image" || type === "audio") && typeof data === "string" ? [data] : []));
  const mediaBytes = media.reduce((sum, data) => sum + Buffer.byteLength(data), 0);
  const bytes = Buffer.byteLength(JSON.stringify([messages, systemPrompt, tools]));
  return Math.ceil((bytes - mediaBytes) / 4) + media.length * mediaTokens;
}

function blocksOf({ content }: JsonObject): JsonObject[] {
  return (Array.isArray(content) ? content : [content]).filter(isPlainObject);
}

function toRequest(params: JsonObject, granted: number): CompletionRequest {
  const system = textOrEmpty(params.systemPrompt);
  const messages = asArray(params.messages).filter(isPlainObject).flatMap(toMessages);
  if (messages.length === 0) throw new RpcRefusal(-32602, "a sampling request needs messages");
  const mode = isPlainObject(params.toolChoice) ? params.toolChoice.mode : undefined;
  const tools = mode === "none" ? [] : asArray(params.tools).filter(isPlainObject).map(toDefinition);
  if (mode === "required" && tools.length === 0) throw new RpcRefusal(-32602, "toolChoice required needs tools");
  return {
    messages: [...(system ? [{ role: "system" as const, content: system }] : []), ...messages],
    tools,
    maxTokens: granted,
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
  if (typeof name !== "string" || !/^[a-zA-Z0-9_-]{1,64}$/.test(name)) {
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

function toResult({ message, finishReason, model }: Completion): JsonObject {
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

/**
 * Returns the text that the person sees before allowing the request: first how much is sent, then the messages. If they are too long, cuts
 * their start, because the newest part matters most.
 */
function promptOf({ messages, tools }: CompletionRequest, sentTokens: number): string {
  const whole = messages.map(lineOf).join("\n");
  const shown = whole.length > maxPromptChars ? `…${whole.slice(-maxPromptChars)}` : whole;
  return `[sends about ${sentTokens} tokens, tools: ${tools.length}]\n${shown}`;
}

function lineOf(message: Message): string {
  const { role, content } = message;
  const words = typeof content === "string" ? [content] : content.map(shownPart);
  const calls = role === "assistant" ? message.toolCalls.map((call) => `[calls ${call.name} ${call.arguments}]`) : [];
  return `${role}: ${[...words, ...calls].join("\n")}`;
}

function shownPart(part: ContentPart): string {
  return part.type === "text" ? part.text : `[${part.type}]`;
}
