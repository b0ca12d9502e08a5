/**
 * Estimates what a provider bills for a request or an answer, from the size of its JSON. (`log/folds/estimate.ts` estimates what the messages
 * of a conversation take of a context window.)
 */

import { type AssistantMessage, type CompletionRequest, isPictureAddress, type Message } from "../core/messages.js";
import { bytesPerToken, mediaTokens } from "../core/token-usage.js";

export function estimateInput({ messages, tools }: Pick<CompletionRequest, "messages" | "tools">): number {
  let { bytes, media } = sizeOf(tools, toolsSize);
  for (const message of messages) {
    const size = sizeOf(message, messageSize);
    bytes += size.bytes + separatorBytes;
    media += size.media;
  }
  return tokensOf({ bytes, media });
}

export function estimateOutput(message: AssistantMessage): number {
  return tokensOf(sizeOf(message, messageSize));
}

function tokensOf({ bytes, media }: Size): number {
  return Math.ceil(bytes / bytesPerToken) + media * mediaTokens;
}

const separatorBytes = 1;

interface Size {
  /** Size of the JSON without media, in bytes. */
  bytes: number;
  media: number;
}

/** Measures the fields of the tools that a request contains. A text under a key `data` in a schema is not a picture. */
function toolsSize(tools: CompletionRequest["tools"]): Size {
  const sent = tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
  return { bytes: Buffer.byteLength(JSON.stringify(sent)), media: 0 };
}

function messageSize(message: Message): Size {
  let media = message.role === "user" ? message.content.filter(isPictureAddress).length : 0;
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
