import type { Completion, CompletionRequest, LostAnswer, Spent, Usage } from "../core/chat.js";
import { costUsd, type Price } from "../llm/providers/prices.js";

/** Pictures and sound are billed by their size on screen and in time, not by their bytes; this is a large one. */
const mediaTokens = 1_500;

/** An answer, and those that broke off before it. */
type Billed = Pick<Completion, "message" | "provider" | "model" | "usage" | "lost">;
type PriceOf = (provider: string, model: string) => Price | undefined;

/**
 * What an answer counts against limits: as reported, else estimated. With it those before it that broke off after they had begun, whose
 * provider bills them too; not requests without any answer, of which nobody can know. Where a price is not known, so is the cost.
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

/** What an interrupted turn's last answer counts: it is the last one of those that broke off, if it had come that far. */
export function spentInVain(request: CompletionRequest, answer: Omit<Billed, "usage">, priceOf: PriceOf): Spent {
  const lost = answer.lost ?? [];
  const last = lost.at(-1);
  const usage = last && { ...inputOf(request, last, answer), ...last.usage };
  return { ...spentOn(request, { ...answer, usage, lost: lost.slice(0, -1) }, priceOf), estimated: true };
}

/** The input of a request whose answer was lost: that of the same request to the same model, if it was counted. */
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

/** Tokens that a request will send, as far as they can be told beforehand. */
export function inputTokens({ messages, tools }: Pick<CompletionRequest, "messages" | "tools">): number {
  let { bytes, media } = sizeOf(tools, sentOf);
  for (const message of messages) {
    const size = sizeOf(message);
    bytes += size.bytes + separatorBytes;
    media += size.media;
  }
  return tokensOf({ bytes, media });
}

/** A quarter of a token a byte of JSON: close for English and code, on the safe side for most other scripts. */
function tokensOf({ bytes, media }: Size): number {
  return Math.ceil(bytes / 4) + media * mediaTokens;
}

/** Between two messages. */
const separatorBytes = 1;

interface Size {
  /** Of JSON, without media. */
  bytes: number;
  media: number;
}

/** What a request holds of its tools: the host knows more of them. */
function sentOf(tools: CompletionRequest["tools"]): object {
  return tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
}

/** Once for each message and list of tools: each request of a conversation repeats those of the one before. */
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
