import type { BilledAnswer, Usage } from "./messages.js";

const counts = [
  "inputTokens",
  "outputTokens",
  "reasoningTokens",
  "cachedTokens",
  "cacheWriteTokens",
  "cacheWrite1hTokens",
] as const satisfies readonly (keyof Usage)[];

/**
 * Largest number of tokens that is believed for one request. No model reads or writes as many, and sums of such numbers stay exact.
 * A larger number, or a negative one, is a fault of the provider that reports it.
 */
const mostOfRequest = 1_000_000_000;

/** Returns true if all counts that are present can be token counts of one request. If not, none of them is to be believed. */
export function areTokenCounts(...counts: readonly (number | undefined)[]): boolean {
  return counts.every(
    (count) => count === undefined || (Number.isInteger(count) && count >= 0 && count <= mostOfRequest),
  );
}

/** Average number of bytes per token, for English and code. In most other scripts, a token has fewer bytes of text. */
export const bytesPerToken = 4;

/** Estimated tokens of a large picture or a sound. Providers bill pictures by pixels and sound by time, not by bytes. */
export const mediaTokens = 1_500;

/** Adds `usage` to `sum`. A count that is absent in both stays absent. */
export function addUsage(sum: Usage, usage: Usage): void {
  for (const key of counts) {
    const count = usage[key];
    if (count !== undefined) sum[key] = (sum[key] ?? 0) + count;
  }
}

/** Returns the answers that were billed for the request of this answer or summary, the answer itself included. */
export function answersBilled<Answer extends BilledAnswer & { billed?: readonly BilledAnswer[] }>(
  answer: Answer,
): readonly BilledAnswer[] {
  return answer.billed ?? [answer];
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
