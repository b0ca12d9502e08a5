import { asText, type JsonObject } from "../../json.js";
import type { GeminiQuirks } from "./models.js";

/** Efforts in the words that all wires share, the least one first. */
const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/** Tokens, as Google's own translation of `reasoning_effort` has them (ai.google.dev/gemini-api/docs/openai, 2026-11). */
const BUDGETS: Readonly<Record<string, number>> = {
  none: 0,
  minimal: 1024,
  low: 1024,
  medium: 8192,
  high: 24_576,
  xhigh: 24_576,
  max: 24_576,
};

/**
 * `reasoning: { effort, summary }` of the configuration as `thinkingConfig`. An effort that the model does not have becomes the next
 * higher one it has, or else its highest; one that nobody knows is sent as it is, so that the provider refuses it. Thoughts are asked for
 * unless `summary` is `none`.
 */
export function thinkingConfig(
  reasoning: Readonly<Record<string, unknown>> | undefined,
  quirks: GeminiQuirks,
): JsonObject | undefined {
  if (quirks.thinking === "none") return undefined;
  const effort = asText(reasoning?.effort);
  const depth = effort === undefined ? {} : depthOf(effort, quirks);
  const isThinking = effort === undefined ? quirks.thinksUnasked : depth.thinkingBudget !== 0;
  const includeThoughts = quirks.showsThoughts && isThinking && reasoning?.summary !== "none";
  const config = { ...(includeThoughts ? { includeThoughts } : {}), ...depth };
  return Object.keys(config).length > 0 ? config : undefined;
}

function depthOf(effort: string, { thinking, levels, leastBudget }: GeminiQuirks): JsonObject {
  const wanted = EFFORTS.indexOf(effort);
  if (thinking === "budget") {
    const budget = BUDGETS[effort];
    return { thinkingBudget: budget === undefined ? effort : Math.max(budget, leastBudget) };
  }
  const level = wanted < 0 ? effort : (levels.find((one) => EFFORTS.indexOf(one) >= wanted) ?? levels.at(-1));
  return { thinkingLevel: level };
}
