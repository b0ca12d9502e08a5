/** Token counts of Messages. Input that was read from a cache or written to one is not part of its `input_tokens`. */
import type { Usage } from "../../../core/chat.js";
import { asNumber, asObject, type JsonObject } from "../../json.js";

/** Counts of a later event over those of an earlier one; what a later one leaves out or has as null stays. */
export function mergedUsage(before: JsonObject | undefined, later: unknown): JsonObject | undefined {
  const given = asObject(later);
  if (!given) return before;
  const said = Object.entries(given).filter(([, value]) => value !== null && value !== undefined);
  return { ...before, ...Object.fromEntries(said) };
}

/** Undefined where the output was not counted, or no input at all. */
export function usageOf(counts: JsonObject | undefined): Usage | undefined {
  const outputTokens = asNumber(counts?.output_tokens);
  const fresh = asNumber(counts?.input_tokens);
  if (!counts || outputTokens === undefined || fresh === undefined) return undefined;
  const cachedTokens = asNumber(counts.cache_read_input_tokens) ?? asNumber(counts.cached_tokens);
  const cacheWriteTokens = asNumber(counts.cache_creation_input_tokens);
  const cacheWrite1hTokens = asNumber(asObject(counts.cache_creation)?.ephemeral_1h_input_tokens);
  const reasoningTokens = asNumber(asObject(counts.output_tokens_details)?.thinking_tokens);
  return {
    // Moonshot takes the cached tokens off twice.
    inputTokens: Math.max(0, fresh) + (cachedTokens ?? 0) + (cacheWriteTokens ?? 0),
    outputTokens,
    ...(reasoningTokens === undefined ? {} : { reasoningTokens }),
    ...(cachedTokens === undefined ? {} : { cachedTokens }),
    ...(cacheWriteTokens === undefined ? {} : { cacheWriteTokens }),
    ...(cacheWrite1hTokens === undefined ? {} : { cacheWrite1hTokens }),
  };
}
