import type { Usage } from "../../../core/chat.js";
import { asNumber, asObject } from "../../json.js";

/** Thoughts are no part of the candidates' tokens, and counts of 0 are left out. Undefined where the input was not counted. */
export function usageOf(value: unknown): Usage | undefined {
  const usage = asObject(value);
  const prompt = asNumber(usage?.promptTokenCount);
  if (!usage || prompt === undefined) return undefined;
  const thoughts = asNumber(usage.thoughtsTokenCount);
  const cached = asNumber(usage.cachedContentTokenCount);
  return {
    inputTokens: prompt + (asNumber(usage.toolUsePromptTokenCount) ?? 0),
    outputTokens: (asNumber(usage.candidatesTokenCount) ?? 0) + (thoughts ?? 0),
    ...(thoughts === undefined ? {} : { reasoningTokens: thoughts }),
    ...(cached === undefined ? {} : { cachedTokens: cached }),
  };
}
