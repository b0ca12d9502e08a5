import type { AssistantMessage, KeptPart, KeptParts } from "../../../core/messages.js";

export interface KeptTarget extends Omit<KeptParts, "parts"> {
  family(model: string): string;
}

/**
 * Returns the kept parts that go back to the target; undefined if none do. All parts go back to the same wire, provider, account and model
 * family. Other targets get none, because they refuse them. Text and calls go to every target.
 */
export function keptFor(message: AssistantMessage, target: KeptTarget): readonly KeptPart[] | undefined {
  const { kept } = message;
  if (!kept || kept.wire !== target.wire || kept.provider !== target.provider) return undefined;
  if (kept.account !== target.account) return undefined;
  const isKin = kept.model === target.model || target.family(kept.model) === target.family(target.model);
  return isKin && isOf(kept.parts, message) ? kept.parts : undefined;
}

/** Returns the parts of an answer in order. If no parts were kept, the text comes before the calls. */
export function partsOf({
  kept,
  content,
  toolCalls,
}: Pick<AssistantMessage, "kept" | "content" | "toolCalls">): readonly KeptPart[] {
  return kept?.parts ?? [{ text: content.length }, ...toolCalls.map((_, call) => ({ call }))];
}

/**
 * Returns true if the parts still fit the message. If its calls or text were changed, the answer is no longer the one that the provider
 * wrote.
 */
function isOf(parts: readonly KeptPart[], { content, toolCalls }: AssistantMessage): boolean {
  let characters = 0;
  let calls = 0;
  for (const part of parts) {
    if ("text" in part) characters += part.text;
    else if ("call" in part && part.call !== calls++) return false;
  }
  return characters === content.length && calls === toolCalls.length;
}
