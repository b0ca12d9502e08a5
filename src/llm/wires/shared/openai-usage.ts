/** Token counts of Chat Completions and Responses. Providers differ in the names of the counts, and in what counts as input and output. */

import { asNumber, asObject, type JsonObject } from "../../../core/json.js";
import type { Usage } from "../../../core/messages.js";
import { areTokenCounts } from "../../../core/token-usage.js";

/** Reads the token counts. Returns undefined if input or output was not counted, or if a count is impossible. */
export function openaiUsage(value: unknown): Usage | undefined {
  const usage = asObject(value);
  const prompt = asNumber(usage?.prompt_tokens) ?? asNumber(usage?.input_tokens);
  const completion = asNumber(usage?.completion_tokens) ?? asNumber(usage?.output_tokens);
  if (!usage || prompt === undefined || completion === undefined) return undefined;
  const cache = cacheCounts(usage);
  const reported = reportedReasoning(usage);
  const total = asNumber(usage.total_tokens);
  if (!areTokenCounts(prompt, completion, reported, total, ...Object.values(cache))) return undefined;
  const inputTokens = countsCacheApart(usage)
    ? prompt + (cache.cachedTokens ?? 0) + (cache.cacheWriteTokens ?? 0)
    : prompt;
  const isCached = Object.keys(cache).length > 0;
  const uncounted = uncountedReasoning({ total, counted: inputTokens + completion, reported, isCached });
  const reasoningTokens = reported ?? uncounted;
  return {
    inputTokens,
    outputTokens: completion + (uncounted ?? 0),
    ...(reasoningTokens === undefined ? {} : { reasoningTokens }),
    ...cache,
  };
}

/** Reads the cache counts. There are four naming schemes: OpenAI and OpenRouter; LiteLLM and Anthropic; DeepSeek; Moonshot. */
function cacheCounts(usage: JsonObject): Pick<Usage, "cachedTokens" | "cacheWriteTokens" | "cacheWrite1hTokens"> {
  const details = asObject(usage.prompt_tokens_details) ?? asObject(usage.input_tokens_details);
  const cachedTokens = firstNumber(
    details?.cached_tokens,
    usage.cache_read_input_tokens,
    usage.prompt_cache_hit_tokens,
    usage.cached_tokens,
  );
  const cacheWriteTokens = firstNumber(
    details?.cache_write_tokens,
    usage.cache_creation_input_tokens,
    details?.cache_creation_tokens,
  );
  const lasting = asNumber(asObject(usage.cache_creation)?.ephemeral_1h_input_tokens);
  return {
    ...(cachedTokens === undefined ? {} : { cachedTokens }),
    ...(cacheWriteTokens === undefined ? {} : { cacheWriteTokens }),
    ...(lasting === undefined ? {} : { cacheWrite1hTokens: lasting }),
  };
}

/**
 * Returns true if the input count leaves out cache reads and writes. Anthropic's `input_tokens` leaves them out; `prompt_tokens` includes
 * them everywhere.
 */
function countsCacheApart(usage: JsonObject): boolean {
  if (usage.prompt_tokens !== undefined) return false;
  return usage.cache_read_input_tokens !== undefined || usage.cache_creation_input_tokens !== undefined;
}

function reportedReasoning(usage: JsonObject): number | undefined {
  const details = asObject(usage.completion_tokens_details) ?? asObject(usage.output_tokens_details);
  return asNumber(details?.reasoning_tokens);
}

/**
 * Returns the reasoning tokens that are billed but not counted in `completion_tokens`. xAI reports them separately; with Gemini they are
 * only part of `total_tokens`. Returns undefined if the total is larger for another reason.
 */
function uncountedReasoning({
  total = 0,
  counted,
  reported,
  isCached,
}: {
  total: number | undefined;
  counted: number;
  reported: number | undefined;
  isCached: boolean;
}): number | undefined {
  const rest = total - counted;
  const isReasoning = reported === undefined ? !isCached : reported === rest;
  return rest > 0 && isReasoning ? rest : undefined;
}

function firstNumber(...values: unknown[]): number | undefined {
  return values.map(asNumber).find((value) => value !== undefined);
}
