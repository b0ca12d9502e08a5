import type { Usage } from "./messages.js";

const counts = [
  "inputTokens",
  "outputTokens",
  "reasoningTokens",
  "cachedTokens",
  "cacheWriteTokens",
  "cacheWrite1hTokens",
] as const satisfies readonly (keyof Usage)[];

/** Adds `usage` to `sum`. A count that is absent in both stays absent. */
export function addUsage(sum: Usage, usage: Usage): void {
  for (const key of counts) {
    const count = usage[key];
    if (count !== undefined) sum[key] = (sum[key] ?? 0) + count;
  }
}

/** Returns the total usage of the answers, or undefined if none of them has a usage. */
export function usageSum(answers: readonly { usage?: Usage }[]): Usage | undefined {
  let sum: Usage | undefined;
  for (const { usage } of answers) {
    if (!usage) continue;
    sum ??= { inputTokens: 0, outputTokens: 0 };
    addUsage(sum, usage);
  }
  return sum;
}

/** Formats token counts, for example as `1200 tokens in (800 from the cache, 200 written to it), 80 out`. */
export function tokensText(
  usage: Pick<Usage, "inputTokens" | "outputTokens" | "cachedTokens" | "cacheWriteTokens">,
): string {
  const { inputTokens, outputTokens, cachedTokens, cacheWriteTokens } = usage;
  const cached = cachedTokens ? [`${cachedTokens} from the cache`] : [];
  const written = cacheWriteTokens ? [`${cacheWriteTokens} written to ${cachedTokens ? "it" : "the cache"}`] : [];
  const parts = [...cached, ...written].join(", ");
  return `${inputTokens} tokens in${parts ? ` (${parts})` : ""}, ${outputTokens} out`;
}
