import type { AssistantMessage, KeptPart, KeptParts } from "../../../core/messages.js";

export interface KeptTarget extends Omit<KeptParts, "parts"> {
  family(model: string): string;
}

/**
 * Returns the kept parts that may be sent to the target; undefined if there are none. Parts go back only to the wire, provider, account and
 * model family that they came from; any other target would refuse them. Text and calls go to every target.
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
 * Returns true if the parts still fit the message. They do not if text or calls of the message were changed, because the parts then
 * describe another answer.
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
