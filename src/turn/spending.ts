import type {
  AssistantMessage,
  BilledAnswer,
  Completion,
  CompletionRequest,
  LostAnswer,
  Message,
  Spent,
  Usage,
} from "../core/messages.js";
import { costUsd, type Price } from "../llm/providers/prices.js";

/**
 * Estimated tokens of one picture or sound. The figure is that of a large picture. An estimate by bytes would be wrong, because providers
 * bill pictures by pixels and sound by time.
 */
const mediaTokens = 1_500;

type PriceOf = (provider: string, model: string) => Price | undefined;

/**
 * Fields of the event that stores an answer. `billed` is set if there were several answers to its request, or if the only one broke off and
 * its usage is known.
 */
export interface Bill {
  spent: Spent;
  billed?: readonly BilledAnswer[];
}

/** An answer that is billed. `usage` has no `inputTokens` if they are unknown. */
interface Counted extends LostAnswer {
  /** True if `usage` is what the provider reported for the whole answer. */
  isReported?: boolean;
}

/**
 * Returns the amounts by which an answer counts against the limits: its reported usage, or an estimate if none was reported. Earlier
 * answers to this request are included, because they are billed too. Requests without any answer are not included, because their cost is
 * unknown. `usd` is undefined if a price is unknown.
 */
export function billOf(
  request: CompletionRequest,
  { provider, model, message, usage, lost = [] }: Pick<Completion, "provider" | "model" | "message" | "usage" | "lost">,
  priceOf: PriceOf,
): Bill {
  const counted = { provider, model, usage: usage ?? estimatedOutput(message), isReported: usage !== undefined };
  return sumOf(request, [...lost, counted], priceOf);
}

/**
 * Returns the amounts that count against the limits if a request ended without a complete answer: those of the answers that broke off, or an
 * estimate if no answer had begun.
 */
export function billInVain(
  request: CompletionRequest,
  { provider, model, message, lost = [] }: Pick<Completion, "provider" | "model" | "message" | "lost">,
  priceOf: PriceOf,
): Bill {
  const shown = { provider, model, usage: estimatedOutput(message) };
  return sumOf(request, lost.length > 0 ? lost : [shown], priceOf);
}

/** Estimates the output tokens of an answer. */
export function estimatedOutput(message: AssistantMessage): Pick<Usage, "outputTokens"> {
  return { outputTokens: tokensOf(sizeOf(message, messageSize)) };
}

function sumOf(request: CompletionRequest, answers: readonly Counted[], priceOf: PriceOf): Bill {
  const billed = answers.map((each) => {
    const { provider, model, isReported } = each;
    const usage = usageOf(each, answers);
    const counted = usage ?? { inputTokens: inputTokens(request), ...each.usage };
    const price = priceOf(provider, model);
    const spent: Spent = {
      tokens: counted.inputTokens + counted.outputTokens,
      ...(price && { usd: costUsd(counted, price) }),
      ...(!isReported && { estimated: true as const }),
    };
    return { provider, model, ...(usage && { usage }), spent };
  });
  const [only] = billed;
  if (only && billed.length === 1 && (!only.usage || answers[0]?.isReported)) return { spent: only.spent };
  const isPriced = billed.every(({ spent }) => spent.usd !== undefined);
  const spent: Spent = {
    tokens: billed.reduce((sum, each) => sum + each.spent.tokens, 0),
    ...(isPriced && { usd: billed.reduce((sum, each) => sum + (each.spent.usd ?? 0), 0) }),
    ...(billed.some((each) => each.spent.estimated) && { estimated: true as const }),
  };
  return { spent, billed };
}

/**
 * Returns the usage of an answer. If its provider did not report the input, takes the input of another answer of the same model to the same
 * request. Returns undefined if there is none.
 */
function usageOf({ provider, model, usage }: Counted, answers: readonly Counted[]): Usage | undefined {
  if (hasInput(usage)) return usage;
  const isSame = (other: Counted) => other.provider === provider && other.model === model && hasInput(other.usage);
  const same = answers.findLast(isSame)?.usage;
  if (!same || !hasInput(same)) return undefined;
  const { outputTokens: _, reasoningTokens: __, ...input } = same;
  return { ...input, ...usage };
}

function hasInput(usage: LostAnswer["usage"]): usage is Usage {
  return usage.inputTokens !== undefined;
}

/** Estimates the input tokens of a request. */
export function inputTokens({ messages, tools }: Pick<CompletionRequest, "messages" | "tools">): number {
  let { bytes, media } = sizeOf(tools, toolsSize);
  for (const message of messages) {
    const size = sizeOf(message, messageSize);
    bytes += size.bytes + separatorBytes;
    media += size.media;
  }
  return tokensOf({ bytes, media });
}

/** Estimates a quarter of a token per byte of JSON. That is close for English and code, and too high for most other scripts. */
function tokensOf({ bytes, media }: Size): number {
  return Math.ceil(bytes / 4) + media * mediaTokens;
}

const separatorBytes = 1;

interface Size {
  /** Size of the JSON without media, in bytes. */
  bytes: number;
  media: number;
}

/** Measures the fields of the tools that a request contains. A text under a key `data` in a schema is no picture. */
function toolsSize(tools: CompletionRequest["tools"]): Size {
  const sent = tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
  return { bytes: Buffer.byteLength(JSON.stringify(sent)), media: 0 };
}

function messageSize(message: Message): Size {
  let media = 0;
  const text = JSON.stringify(message, (key, value: unknown) => {
    if (key !== "data" || typeof value !== "string") return value;
    media += 1;
    return "";
  });
  return { bytes: Buffer.byteLength(text), media };
}

/**
 * Returns the size of a message or a list of tools. The size is cached for each object, because a request contains most objects of the
 * previous request.
 */
function sizeOf<Part extends object>(part: Part, measure: (part: Part) => Size): Size {
  const known = sizes.get(part);
  if (known) return known;
  const size = measure(part);
  sizes.set(part, size);
  return size;
}

const sizes = new WeakMap<object, Size>();
