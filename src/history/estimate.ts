/** Estimates of how many tokens a text costs, before a provider has counted them. */
import {
  type AssistantMessage,
  type ContentPart,
  linkText,
  type Message,
  type StoredEvent,
  type ToolDefinition,
} from "../core/chat.js";
import { askedContent, readTurns } from "./turns.js";

/** Roles and separators that a provider adds to each message. */
const messageTokens = 4;
/** Tokens of a large picture or sound: they are billed by size on screen and duration, not by bytes. */
const mediaTokens = 1_500;

/** Counts a quarter of a token per byte: close for English and code, on the safe side for most other scripts. */
export function textTokens(text: string): number {
  return Buffer.byteLength(text) / 4;
}

/** Returns the estimate, computed once per answer and content object: these stay the same from turn to turn. */
export function messageTokensOf(message: Message): number {
  if (message.role === "system") return messageTokens + textTokens(message.content);
  if (message.role === "assistant") return once(message, answerTokens);
  return messageTokens + once(message.content, contentTokens);
}

function answerTokens({ content, toolCalls }: AssistantMessage): number {
  const calls = toolCalls.map((call) => messageTokens + textTokens(call.name) + textTokens(call.arguments));
  return calls.reduce((sum, tokens) => sum + tokens, messageTokens + textTokens(content));
}

function contentTokens(content: readonly ContentPart[]): number {
  const parts = content.map((part) => {
    if (part.type === "text") return textTokens(part.text);
    return part.type === "resource_link" ? textTokens(linkText(part)) : mediaTokens;
  });
  return parts.reduce((sum, tokens) => sum + tokens, 0);
}

export function tokensOf(messages: readonly Message[]): number {
  return messages.reduce((sum, message) => sum + messageTokensOf(message), 0);
}

/** Returns the tokens of a definition as sent. Computed once per definition, which stays the same object while it is unchanged. */
export function toolTokens(tool: ToolDefinition): number {
  return once(tool, definitionTokens);
}

function definitionTokens({ name, description, inputSchema: parameters }: ToolDefinition): number {
  return textTokens(JSON.stringify({ type: "function", function: { name, description, parameters } }));
}

function once<T extends object>(measured: T, tokensOf: (measured: T) => number): number {
  const known = counts.get(measured);
  if (known !== undefined) return known;
  const tokens = tokensOf(measured);
  counts.set(measured, tokens);
  return tokens;
}

const counts = new WeakMap<object, number>();

/** Shorter steps are merged: most of their tokens are what providers add to a message. */
const leastStep = 50;
const leastFactor = 0.5;
const mostFactor = 4;

/**
 * Returns the factor that corrects estimates for this model, from the usage it has reported so far. It compares steps between requests, not
 * whole requests, so that tokens unknown to the log (system prompt, tools) cancel out. Returns 1 until there is something to compare.
 */
export function tokenFactor(
  events: readonly StoredEvent[],
  { provider, model }: { provider: string; model: string },
): number {
  let estimated = 0;
  let reported = 0;
  let said = 0;
  let before: { said: number; inputTokens: number } | undefined;
  for (const turn of readTurns(events)) {
    const { hops, compacted } = turn;
    if (compacted) before = undefined; // a new beginning, which the next request is the first to contain
    said += messageTokensOf({ role: "user", content: askedContent(turn) });
    for (const { answer, calls } of hops) {
      const { usage, message } = answer;
      if (usage && answer.provider === provider && answer.model === model) {
        before ??= { said, inputTokens: usage.inputTokens };
        const step = { said: said - before.said, inputTokens: usage.inputTokens - before.inputTokens };
        if (step.said >= leastStep) {
          before = { said, inputTokens: usage.inputTokens };
          // Too few tokens: something was left out of the later request.
          if (step.inputTokens >= step.said * leastFactor) {
            estimated += step.said;
            reported += step.inputTokens;
          }
        }
      }
      if (answer.interrupted) continue;
      said += messageTokensOf(message);
      for (const { call, result } of calls) {
        if (result) said += messageTokensOf({ role: "tool", toolCallId: call.id, ...result });
      }
    }
  }
  return estimated === 0 ? 1 : Math.min(mostFactor, reported / estimated);
}
