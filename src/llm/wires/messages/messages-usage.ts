/** Token counts of Messages, whose `input_tokens` leave out cache reads and writes. */

import { asNumber, asObject, type JsonObject } from "../../../core/json.js";
import type { Usage } from "../../../core/messages.js";
import { areTokenCounts } from "../../../core/token-usage.js";

/** The keys that `usageOf` reads. */
const counts = [
  "input_tokens",
  "output_tokens",
  "cache_read_input_tokens",
  "cached_tokens",
  "cache_creation_input_tokens",
  "cache_creation",
  "output_tokens_details",
];

/** Merges token counts. A count of the later event replaces the earlier one, unless it is missing or null. Other keys are left out. */
export function mergedUsage(before: JsonObject | undefined, later: unknown): JsonObject | undefined {
  const given = asObject(later);
  if (!given) return before;
  return Object.fromEntries(counts.map((key) => [key, given[key] ?? before?.[key]]));
}

/** Converts the token counts. Returns undefined if input or output was not counted, or if a count is impossible. */
export function usageOf(counts: JsonObject | undefined): Usage | undefined {
  const outputTokens = asNumber(counts?.output_tokens);
  const fresh = asNumber(counts?.input_tokens);
  if (!counts || outputTokens === undefined || fresh === undefined) return undefined;
  const cachedTokens = asNumber(counts.cache_read_input_tokens) ?? asNumber(counts.cached_tokens);
  const cacheWriteTokens = asNumber(counts.cache_creation_input_tokens);
  const cacheWrite1hTokens = asNumber(asObject(counts.cache_creation)?.ephemeral_1h_input_tokens);
  const reasoningTokens = asNumber(asObject(counts.output_tokens_details)?.thinking_tokens);
  // Moonshot subtracts the cached tokens twice, so `fresh` may be negative, down to the number of cached tokens.
  const input = fresh + (cachedTokens ?? 0);
  if (!areTokenCounts(input, outputTokens, cachedTokens, cacheWriteTokens, cacheWrite1hTokens, reasoningTokens)) {
    return undefined;
  }
  return {
    inputTokens: Math.max(0, fresh) + (cachedTokens ?? 0) + (cacheWriteTokens ?? 0),
    outputTokens,
    ...(reasoningTokens === undefined ? {} : { reasoningTokens }),
    ...(cachedTokens === undefined ? {} : { cachedTokens }),
    ...(cacheWriteTokens === undefined ? {} : { cacheWriteTokens }),
    ...(cacheWrite1hTokens === undefined ? {} : { cacheWrite1hTokens }),
  };
}
