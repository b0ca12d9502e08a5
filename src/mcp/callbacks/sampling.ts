/**
 * Requests that a server sends to the model, through this host.
 * https://modelcontextprotocol.io/specification/2025-11-25/client/sampling
 */

import { isYes } from "../../core/approval.js";
import { LlmError } from "../../core/errors.js";
import type { Question } from "../../core/events.js";
import { asObjects, type JsonObject } from "../../core/json.js";
import type { Completion, CompletionRequest, ContentPart, Message } from "../../core/messages.js";
import type { SendOptions } from "../../core/ports.js";
import { bytesPerToken, mediaTokens } from "../../core/token-usage.js";
import { RpcRefusal } from "../shared/request-failures.js";
import { abortable } from "../shared/wait.js";
import { blocksOf, toRequest, toResult } from "./sampling-messages.js";

export type Sample = (request: CompletionRequest, signal: AbortSignal) => Promise<Completion>;

const maxRequests = 20;
/** Maximum number of tokens that the model may write for a server during one tool call. */
const maxTokens = 100_000;
/** Maximum number of tokens, by estimate, that a server may send to the model during one tool call. */
const maxInputTokens = 500_000;
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
  /** See `SendOptions.sample`. */
  passOn?: (params: JsonObject) => ReturnType<NonNullable<SendOptions["sample"]>>;
  ask: (question: Question) => Promise<unknown>;
  budget: SamplingBudget;
  signal: AbortSignal;
}

/** Resolves with the answer to `sampling/createMessage`. Rejects with RpcRefusal, or with the error of `sample`. */
export async function answerSampling(server: string, params: JsonObject, parts: SamplingParts): Promise<JsonObject> {
  const { sample, passOn, ask, budget, signal } = parts;
  const wanted = typeof params.maxTokens === "number" ? params.maxTokens : defaultTokens;
  const sentTokens = inputTokens(params);
  const granted = budget.grant(wanted, sentTokens);
  let written = 0;
  try {
    const passedOn = passOn?.({ ...params, maxTokens: granted });
    if (passedOn) return await abortable(passedOn, signal);
    const request = toRequest(params, granted);
    const prompt = promptOf(request, sentTokens);
    if (!isYes(await ask({ kind: "sampling", server, prompt, maxTokens: granted })))
      throw new RpcRefusal(-1, "the user did not allow the sampling request");
    const completion = await sample(request, signal).catch((error: unknown) => {
      // The provider's words may name the account or its organization, which are not the server's business.
      throw error instanceof LlmError ? new RpcRefusal(-32603, `the model gave no answer (${error.kind})`) : error;
    });
    written = completion.usage?.outputTokens ?? granted;
    // Not every provider enforces `toolChoice`. Without this check the server would get an answer without the call that it required.
    if (request.toolChoice && completion.finishReason === "stop" && completion.message.toolCalls.length === 0) {
      throw new RpcRefusal(-32603, "the model called no tool, although toolChoice required one");
    }
    return toResult(completion);
  } finally {
    budget.giveBack(granted - written);
  }
}

/**
 * Estimates the tokens of a request from the size of its JSON. Only the data of image and audio content counts as a picture or sound. Data
 * elsewhere, such as in a tool's schema, is text for the model.
 */
function inputTokens({ messages, systemPrompt, tools }: JsonObject): number {
  const media = asObjects(messages)
    .flatMap(blocksOf)
    .flatMap((block) => (block.type === "tool_result" ? asObjects(block.content) : [block]))
    .flatMap(({ type, data }) => ((type === "image" || type === "audio") && typeof data === "string" ? [data] : []));
  const mediaBytes = media.reduce((sum, data) => sum + Buffer.byteLength(data), 0);
  const bytes = Buffer.byteLength(JSON.stringify([messages, systemPrompt, tools]));
  return Math.ceil((bytes - mediaBytes) / bytesPerToken) + media.length * mediaTokens;
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
