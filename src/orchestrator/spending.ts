import type { AssistantMessage, CompletionRequest, Spent, Usage } from "../core/chat.js";
import { keptBy } from "../core/kept-by.js";
import { costUsd, type Price } from "../llm/providers/prices.js";

/** Pictures and sound are billed by their size on screen and in time, not by their bytes; this is a large one. */
const mediaTokens = 1_500;

/** What an answer counts against limits: as reported, else estimated. Without a price its cost stays unknown. */
export function spentOn(
  request: CompletionRequest,
  answer: { message: AssistantMessage; usage?: Usage },
  price: Price | undefined,
): Spent {
  const usage = answer.usage ?? { inputTokens: inputTokens(request), outputTokens: tokensOf(sizeOf(answer.message)) };
  return {
    tokens: usage.inputTokens + usage.outputTokens,
    ...(price ? { usd: costUsd(usage, price) } : {}),
    ...(answer.usage ? {} : { estimated: true as const }),
  };
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

const sizes = keptBy<object, Size>();
