import type { Completion, CompletionRequest, LostAnswer, Spent, Usage } from "../core/messages.js";
import { costUsd, type Price } from "../llm/providers/prices.js";

/**
 * Estimated tokens of one picture or sound. The figure is that of a large picture. An estimate by bytes would be wrong, because providers
 * bill pictures by pixels and sound by time.
 */
const mediaTokens = 1_500;

type Billed = Pick<Completion, "message" | "provider" | "model" | "usage" | "lost">;
type PriceOf = (provider: string, model: string) => Price | undefined;

/**
 * Returns the amounts by which an answer counts against the limits: its reported usage, or an estimate if none was reported. Earlier
 * answers to this request that broke off are included, because the provider bills them too. Requests without any answer are not included,
 * because their cost is unknown. `usd` is undefined if a price is unknown.
 */
export function spentOn(request: CompletionRequest, answer: Billed, priceOf: PriceOf): Spent {
  const { provider, model, usage, lost = [] } = answer;
  const whole = usage ?? { inputTokens: inputTokens(request), outputTokens: tokensOf(sizeOf(answer.message)) };
  const asked = [
    { provider, model, usage: whole },
    ...lost.map((one) => ({ ...one, usage: { ...inputOf(request, one, answer), ...one.usage } })),
  ];
  const costs = asked.map((one) => {
    const price = priceOf(one.provider, one.model);
    return price && costUsd(one.usage, price);
  });
  const usd = costs.reduce((sum, cost) => (sum === undefined || cost === undefined ? undefined : sum + cost), 0);
  return {
    tokens: asked.reduce((sum, one) => sum + one.usage.inputTokens + one.usage.outputTokens, 0),
    ...(usd === undefined ? {} : { usd }),
    ...(usage && lost.length === 0 ? {} : { estimated: true as const }),
  };
}

/**
 * Returns the amounts that count against the limits if a request ended without a complete answer: the usage of the last answer that broke
 * off, or an estimate if no answer had begun. Earlier answers that broke off are included.
 */
export function spentInVain(request: CompletionRequest, answer: Omit<Billed, "usage">, priceOf: PriceOf): Spent {
  const lost = answer.lost ?? [];
  const last = lost.at(-1);
  const usage = last && { ...inputOf(request, last, answer), ...last.usage };
  return { ...spentOn(request, { ...answer, usage, lost: lost.slice(0, -1) }, priceOf), estimated: true };
}

/**
 * Returns the input usage of a lost answer, which broke off. If the complete `answer` came from the same model, takes the input usage that
 * was reported for it. Otherwise estimates the input.
 */
function inputOf(
  request: CompletionRequest,
  { provider, model }: LostAnswer,
  answer: Billed,
): Omit<Usage, "outputTokens"> {
  const isSame = provider === answer.provider && model === answer.model;
  if (!isSame || !answer.usage) return { inputTokens: inputTokens(request) };
  const { outputTokens: _, reasoningTokens: __, ...input } = answer.usage;
  return input;
}

/** Estimates the input tokens of a request. */
export function inputTokens({ messages, tools }: Pick<CompletionRequest, "messages" | "tools">): number {
  let { bytes, media } = sizeOf(tools, sentOf);
  for (const message of messages) {
    const size = sizeOf(message);
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

/** Returns the tools with only those fields that a request contains. */
function sentOf(tools: CompletionRequest["tools"]): object {
  return tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
}

/**
 * Measures a message or a list of tools. The size is cached for each object, because a request contains most objects of the previous
 * request.
 */
function sizeOf<Part extends object>(part: Part, sent: (part: Part) => object = (whole) => whole): Size {
  const known = sizes.get(part);
  if (known) return known;
  let media = 0;
  const text = JSON.stringify(sent(part), (key, value: unknown) => {
    if (key !== "data" || typeof value !== "string") return value;
    media += 1;
    return "";
  });
  const size = { bytes: Buffer.byteLength(text), media };
  sizes.set(part, size);
  return size;
}

const sizes = new WeakMap<object, Size>();
