import type { AssistantMessage, KeptPart, KeptParts } from "../../../core/chat.js";

/** Who is asked, as far as that decides what is sent back. */
export interface KeptTarget extends Omit<KeptParts, "parts"> {
  family(model: string): string;
}

/**
 * What of an answer goes back to the target: everything to the same wire, provider, account and model family, and nothing to others,
 * which refuse it. Text and calls go to everybody.
 */
export function keptFor({ kept }: AssistantMessage, target: KeptTarget): readonly KeptPart[] | undefined {
  if (!kept || kept.wire !== target.wire || kept.provider !== target.provider) return undefined;
  if (kept.account !== target.account) return undefined;
  const isKin = kept.model === target.model || target.family(kept.model) === target.family(target.model);
  return isKin ? kept.parts : undefined;
}
