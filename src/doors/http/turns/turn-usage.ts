/**
 * Usage of a turn in the fields of OpenAI's APIs. Clients read these fields as the size of the context, so the fields have the usage of the
 * last request only.
 */
import type { StoredEvent } from "../../../core/events.js";
import type { Usage } from "../../../core/messages.js";
import { summarizeTurn } from "../../../session/shared/summary.js";

/**
 * Returns the usage of the last request of the turn. The field `turn` has the sum over all requests. Null if the provider reported no
 * usage.
 */
export function turnUsage(events: readonly StoredEvent[], fieldsOf: (usage: Usage) => object): object | null {
  const sum = summarizeTurn(events).usage;
  const last = events.findLast((event) => event.type === "assistant_message" && event.usage);
  if (!sum) return null;
  const latest = last?.type === "assistant_message" ? last.usage : undefined;
  return { ...fieldsOf(latest ?? sum), turn: fieldsOf(sum) };
}

export function chatUsage({ inputTokens, outputTokens, reasoningTokens, ...input }: Usage): object {
  const cached = cacheDetails(input);
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    ...(Object.keys(cached).length === 0 ? {} : { prompt_tokens_details: cached }),
    ...(reasoningTokens === undefined ? {} : { completion_tokens_details: { reasoning_tokens: reasoningTokens } }),
  };
}

export function responseUsage({ inputTokens, outputTokens, reasoningTokens = 0, ...input }: Usage): object {
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: 0, ...cacheDetails(input) },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: inputTokens + outputTokens,
  };
}

function cacheDetails({ cachedTokens, cacheWriteTokens }: Partial<Usage>): object {
  return {
    ...(cachedTokens === undefined ? {} : { cached_tokens: cachedTokens }),
    ...(cacheWriteTokens === undefined ? {} : { cache_write_tokens: cacheWriteTokens }),
  };
}
