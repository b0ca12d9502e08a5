/** Token counts, costs and stop reasons in Anthropic's format. */
import type { StoredEvent } from "../../core/events.js";
import type { BilledAnswer, FinishReason, Usage } from "../../core/messages.js";
import { answersBilled } from "../../core/token-usage.js";

const stopReasons: Readonly<Record<FinishReason, string | null>> = {
  stop: "end_turn",
  length: "max_tokens",
  tool_calls: "tool_use",
  content_filter: "refusal",
  unknown: null,
};

export function anthropicStopReason(finishReason: FinishReason): string | null {
  return stopReasons[finishReason];
}

/**
 * Returns the counts in Anthropic's fields. Clients require every field, so a count that the provider did not report is 0. Cached tokens
 * are not part of `input_tokens`.
 */
export function anthropicUsage(usage: Partial<Usage> = {}) {
  const { outputTokens = 0, cachedTokens = 0, cacheWriteTokens = 0, cacheWrite1hTokens } = usage;
  const lasting = cacheWrite1hTokens !== undefined && {
    cache_creation: {
      ephemeral_5m_input_tokens: Math.max(0, cacheWriteTokens - cacheWrite1hTokens),
      ephemeral_1h_input_tokens: cacheWrite1hTokens,
    },
  };
  return {
    input_tokens: uncachedTokens(usage),
    cache_creation_input_tokens: cacheWriteTokens,
    cache_read_input_tokens: cachedTokens,
    ...lasting,
    output_tokens: outputTokens,
  };
}

function uncachedTokens({ inputTokens = 0, cachedTokens = 0, cacheWriteTokens = 0 }: Partial<Usage>): number {
  return Math.max(0, inputTokens - cachedTokens - cacheWriteTokens);
}

interface ClaudeModelUsage {
  inputTokens: number;
  outputTokens: number;
  cacheReadInputTokens: number;
  cacheCreationInputTokens: number;
  webSearchRequests: number;
  costUSD: number;
  /** `unknown` if the price of any request was unknown. `costUSD` does not include such requests. */
  costBasis: "list" | "unknown";
}

/**
 * Total usage of all turns of this process. Every `result` message reports the total so far. An event that is shown twice is counted only
 * once.
 */
export class SessionUsage {
  readonly #models = new Map<string, ClaudeModelUsage>();
  readonly #counted = new Set<number>();

  /** Adds the usage of an event. All events that are added must be from the same conversation. */
  add(event: StoredEvent): void {
    if (event.type !== "assistant_message" && event.type !== "compaction") return;
    if (this.#counted.has(event.seq)) return;
    this.#counted.add(event.seq);
    for (const answer of answersBilled(event)) this.#add(answer);
  }

  #add({ usage, spent, model }: BilledAnswer): void {
    const { outputTokens = 0, cachedTokens = 0, cacheWriteTokens = 0 }: Partial<Usage> = usage ?? {};
    const sum = this.#models.get(model) ?? nothing();
    sum.inputTokens += uncachedTokens(usage ?? {});
    sum.outputTokens += outputTokens;
    sum.cacheReadInputTokens += cachedTokens;
    sum.cacheCreationInputTokens += cacheWriteTokens;
    sum.costUSD += spent?.usd ?? 0;
    if (spent?.usd === undefined) sum.costBasis = "unknown";
    this.#models.set(model, sum);
  }

  total() {
    const total_cost_usd = [...this.#models.values()].reduce((sum, { costUSD }) => sum + costUSD, 0);
    return {
      total_cost_usd,
      modelUsage: Object.fromEntries([...this.#models].map(([name, sum]) => [name, { ...sum }])),
    };
  }
}

function nothing(): ClaudeModelUsage {
  return {
    inputTokens: 0,
    outputTokens: 0,
    cacheReadInputTokens: 0,
    cacheCreationInputTokens: 0,
    webSearchRequests: 0,
    costUSD: 0,
    costBasis: "list",
  };
}
