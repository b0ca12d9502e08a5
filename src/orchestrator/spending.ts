import type { AssistantMessage, CompletionRequest, Spent, Usage } from "../core/chat.js";
import { costUsd, type Price } from "../llm/prices.js";

/** Pictures and sound are billed by their size on screen and in time, not by their bytes; this is a large one. */
const mediaTokens = 1_500;

/** What an answer counts against limits: as reported, else estimated. Without a price its cost stays unknown. */
export function spentOn(
  request: CompletionRequest,
  answer: { message: AssistantMessage; usage?: Usage },
  price: Price | undefined,
): Spent {
  const usage = answer.usage ?? { inputTokens: inputTokens(request), outputTokens: tokensOf(answer.message) };
  return {
    tokens: usage.inputTokens + usage.outputTokens,
    ...(price ? { usd: costUsd(usage, price) } : {}),
    ...(answer.usage ? {} : { estimated: true as const }),
  };
}

/** Tokens that a request will send, as far as they can be told beforehand. */
export function inputTokens({ messages, tools }: Pick<CompletionRequest, "messages" | "tools">): number {
  return tokensOf([messages, tools]);
}

/** A quarter of a token a byte of JSON: close for English and code, on the safe side for most other scripts. */
function tokensOf(value: unknown): number {
  let media = 0;
  const text = JSON.stringify(value, (key, part: unknown) => {
    if (key !== "data" || typeof part !== "string") return part;
    media += 1;
    return "";
  });
  return Math.ceil(Buffer.byteLength(text) / 4) + media * mediaTokens;
}
