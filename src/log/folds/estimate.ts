/** Estimates of how many tokens a text costs, before a provider has counted them. */
import type { StoredEvent } from "../../core/events.js";
import {
  type AssistantMessage,
  type ContentPart,
  isPictureAddress,
  linkText,
  type Message,
  type ToolDefinition,
} from "../../core/messages.js";
import { bytesPerToken, mediaTokens } from "../../core/token-usage.js";
import { askedContent, readTurns, type TurnRecord } from "./turn-records.js";

/** Tokens of the role and separators that a provider adds to each message. */
const messageTokens = 4;

/** Returns the estimated tokens of a text. The estimate is close for English and code, and rather too high for most other scripts. */
export function textTokens(text: string): number {
  return Buffer.byteLength(text) / bytesPerToken;
}

/**
 * Returns the estimated tokens of a message. The estimate is cached for each answer and content object, because these objects stay the same
 * from turn to turn.
 */
export function messageTokensOf(message: Message): number {
  if (message.role === "system") return messageTokens + textTokens(message.content);
  if (message.role === "assistant") return once(message, answerTokens);
  return messageTokens + once(message.content, message.role === "user" ? askedTokens : resultTokens);
}

function answerTokens({ content, toolCalls }: AssistantMessage): number {
  const calls = toolCalls.map((call) => messageTokens + textTokens(call.name) + textTokens(call.arguments));
  return calls.reduce((sum, tokens) => sum + tokens, messageTokens + textTokens(content));
}

function askedTokens(content: readonly ContentPart[]): number {
  return content.reduce((sum, part) => sum + (isPictureAddress(part) ? mediaTokens : partTokens(part)), 0);
}

function resultTokens(content: readonly ContentPart[]): number {
  return content.reduce((sum, part) => sum + partTokens(part), 0);
}

function partTokens(part: ContentPart): number {
  if (part.type === "text") return textTokens(part.text);
  return part.type === "resource_link" ? textTokens(linkText(part)) : mediaTokens;
}

export function tokensOf(messages: readonly Message[]): number {
  return messages.reduce((sum, message) => sum + messageTokensOf(message), 0);
}

/** Returns the estimated tokens of a tool definition in a request. The estimate is cached for each definition object. */
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

/**
 * Minimum size, in estimated tokens, of a step (the messages added between two requests) that is compared with the reported usage. A
 * smaller step is merged with the next one, because most tokens of a small step are those that the provider adds around each message.
 */
const leastStep = 50;
const leastFactor = 0.5;
const mostFactor = 4;

/** Tokens of the steps that were compared: as this host estimated them, and as the model reported them. */
export interface ComparedTokens {
  estimated: number;
  reported: number;
}

/**
 * Compares estimates with the usage that this model has reported in these turns. `earlier` is the result for the turns before. Only the
 * messages that were added between two requests are compared, because the system prompt and the tools are not in the log.
 */
export function comparedTokens(
  turns: readonly TurnRecord[],
  { provider, model }: { provider: string; model: string },
  earlier: ComparedTokens = { estimated: 0, reported: 0 },
): ComparedTokens {
  let { estimated, reported } = earlier;
  let said = 0;
  let before: { said: number; inputTokens: number } | undefined;
  for (const turn of turns) {
    const { hops, isShortened } = turn;
    if (isShortened) before = undefined; // the next request has fewer messages, so it cannot be compared with earlier ones
    said += tokensOf(turn.history) + messageTokensOf({ role: "user", content: askedContent(turn) });
    for (const { answer, calls } of hops) {
      const { usage, message } = answer;
      if (usage && answer.provider === provider && answer.model === model) {
        before ??= { said, inputTokens: usage.inputTokens };
        const step = { said: said - before.said, inputTokens: usage.inputTokens - before.inputTokens };
        if (step.said >= leastStep) {
          before = { said, inputTokens: usage.inputTokens };
          // If the reported number of tokens is much lower than the estimate, the later request did not contain all earlier messages. Such
          // a step is ignored.
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
  return { estimated, reported };
}

/**
 * Returns the factor by which estimates for this model must be multiplied. It is computed from the usage that the model has reported in these
 * events and in `earlier`, the turns before them. Returns 1 if there is nothing to compare yet.
 */
export function tokenFactor(
  events: readonly StoredEvent[],
  target: { provider: string; model: string },
  earlier?: ComparedTokens,
): number {
  const { estimated, reported } = comparedTokens(readTurns(events), target, earlier);
  return estimated === 0 ? 1 : Math.min(mostFactor, reported / estimated);
}
