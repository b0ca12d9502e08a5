import type { Completion, CompletionRequest, LostAnswer, Spent, Usage } from "../core/messages.js";
import { costUsd, type Price } from "../llm/providers/prices.js";

/** Estimated tokens of a picture or a sound, as for a large picture. Providers bill pictures by pixels and sound by time, not by bytes. */
const mediaTokens = 1_500;

type Billed = Pick<Completion, "message" | "provider" | "model" | "usage" | "lost">;
type PriceOf = (provider: string, model: string) => Price | undefined;

/**
 * Returns what an answer counts against the limits: the reported usage, or else an estimate. Includes earlier answers to this request that
 * broke off, because the provider bills them too. Excludes requests that got no answer at all, whose cost is unknown. `usd` is undefined if
 * a price is not known.
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
 * Returns what counts against the limits when a request ended without a whole answer: the usage of the last answer that broke off, or else
 * an estimate. Earlier answers that broke off are included.
 */
export function spentInVain(request: CompletionRequest, answer: Omit<Billed, "usage">, priceOf: PriceOf): Spent {
  const lost = answer.lost ?? [];
  const last = lost.at(-1);
  const usage = last && { ...inputOf(request, last, answer), ...last.usage };
  return { ...spentOn(request, { ...answer, usage, lost: lost.slice(0, -1) }, priceOf), estimated: true };
}

/** Returns the input usage of a lost answer: what the provider reported for `answer` if both came from the same model, else an estimate. */
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

/** Counts a quarter of a token per byte of JSON. That is close for English and code, and an overestimate for most other scripts. */
function tokensOf({ bytes, media }: Size): number {
  return Math.ceil(bytes / 4) + media * mediaTokens;
}

const separatorBytes = 1;

interface Size {
  /** Bytes of the JSON without media. */
  bytes: number;
  media: number;
}

/** Returns the tools with only the fields that a request sends. */
function sentOf(tools: CompletionRequest["tools"]): object {
  return tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
}

/**
 * Measures a message or a list of tools. The size is cached by object, because each request of a conversation repeats the parts of the
 * previous one.
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
