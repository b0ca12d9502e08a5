/** How many tokens a text costs, before anybody has counted them. */
import {
  type AssistantMessage,
  type ContentPart,
  linkText,
  type Message,
  type StoredEvent,
  type ToolDefinition,
} from "../core/chat.js";
import { keptBy } from "../core/kept-by.js";
import { readTurns } from "./turns.js";

/** Roles and separators that a provider adds to each message. */
const messageTokens = 4;
/** Pictures and sound are billed by their size on screen and in time, not by their bytes; this is a large one. */
const mediaTokens = 1_500;

/** A quarter of a token a byte: close for English and code, on the safe side for most other scripts. */
export function textTokens(text: string): number {
  return Buffer.byteLength(text) / 4;
}

/** Once for each answer and each content, which stay the same objects from turn to turn. */
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

/** Of a definition as it goes over the wire. Once for each definition, which stays the same object while it is the same. */
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

const counts = keptBy<object, number>();

/** Shorter steps are taken together: they are mostly what providers add to a message. */
const leastStep = 50;
const leastFactor = 0.5;
const mostFactor = 4;

/**
 * What an estimate has to be multiplied with for this model, by what it has reported so far. Steps from one request to the next are
 * compared, not whole requests: what the log does not know (system prompt, tools) is the same in both and falls out. 1 until there is
 * something to compare.
 */
export function tokenFactor(
  events: readonly StoredEvent[],
  { provider, model }: { provider: string; model: string },
): number {
  let estimated = 0;
  let reported = 0;
  let said = 0;
  let before: { said: number; inputTokens: number } | undefined;
  for (const { userContent, hops, compacted } of readTurns(events)) {
    if (compacted) before = undefined; // another beginning, which the next request is the first to have
    said += messageTokensOf({ role: "user", content: userContent });
    for (const { answer, calls } of hops) {
      const { usage, message } = answer;
      if (usage && answer.provider === provider && answer.model === model) {
        before ??= { said, inputTokens: usage.inputTokens };
        const step = { said: said - before.said, inputTokens: usage.inputTokens - before.inputTokens };
        if (step.said >= leastStep) {
          before = { said, inputTokens: usage.inputTokens };
          // Fewer: something was left out of the later request.
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
