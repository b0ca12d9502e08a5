import type { AssistantMessage, KeptPart, KeptParts } from "../../../core/chat.js";

/** Who is asked, as far as that decides what is sent back. */
export interface KeptTarget extends Omit<KeptParts, "parts"> {
  family(model: string): string;
}

/**
 * What of an answer goes back to the target: everything to the same wire, provider, account and model family, and nothing to others,
 * which refuse it. Text and calls go to everybody.
 */
export function keptFor(message: AssistantMessage, target: KeptTarget): readonly KeptPart[] | undefined {
  const { kept } = message;
  if (!kept || kept.wire !== target.wire || kept.provider !== target.provider) return undefined;
  if (kept.account !== target.account) return undefined;
  const isKin = kept.model === target.model || target.family(kept.model) === target.family(target.model);
  return isKin && isOf(kept.parts, message) ? kept.parts : undefined;
}

/** The parts of an answer in their order. Where its provider wants nothing back, the words come before the calls. */
export function partsOf({
  kept,
  content,
  toolCalls,
}: Pick<AssistantMessage, "kept" | "content" | "toolCalls">): readonly KeptPart[] {
  return kept?.parts ?? [{ text: content.length }, ...toolCalls.map((_, call) => ({ call }))];
}

/** Whether the parts are those of the message: one whose calls or words were changed since is no answer of the provider any more. */
function isOf(parts: readonly KeptPart[], { content, toolCalls }: AssistantMessage): boolean {
  let characters = 0;
  let calls = 0;
  for (const part of parts) {
    if ("text" in part) characters += part.text;
    else if ("call" in part && part.call !== calls++) return false;
  }
  return characters === content.length && calls === toolCalls.length;
}
