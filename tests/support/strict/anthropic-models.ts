import { Refusal } from "./refusal.js";

/** Properties of a Claude model, by Anthropic's pages on adaptive thinking and prompt caching (November 2026). */
export interface ClaudeModel {
  /** Forms of `thinking` that it accepts. `manual`: `enabled` with a budget; `both`: also adaptive; `adaptive`: only adaptive. */
  thinking: "manual" | "both" | "adaptive";
  /** True if the model thinks when the request does not mention thinking. */
  thinksByDefault: boolean;
  /** Whether `{type: "disabled"}` is accepted; `up_to_high` refuses it above that effort. */
  disabled: "yes" | "no" | "up_to_high" | "between_tools";
  /** Sampling parameters: `one_of` accepts either temperature or top_p, `none` accepts neither. */
  sampling: "one_of" | "none";
  hasEffort: boolean;
  /** True if thinking is shown only with `display: summarized`. */
  isOmitted: boolean;
  /** True if the thinking of earlier turns stays in the context. */
  keepsOldThinking: boolean;
  /** True if thinking is bound to everything before it. */
  isBinding: boolean;
  /** True if thinking is bound to the account. */
  isAccountBound: boolean;
  hasPrefill: boolean;
  hasSystemMessages: boolean;
  /** True if the `tool_choice` values any and tool are always refused. */
  refusesForcedTools: boolean;
  hasStructuredOutput: boolean;
  cacheMinimum: number;
  maximumOutput: number;
  window: number;
}

const old: ClaudeModel = {
  thinking: "manual",
  thinksByDefault: false,
  disabled: "yes",
  sampling: "one_of",
  hasEffort: false,
  isOmitted: false,
  keepsOldThinking: false,
  isBinding: false,
  isAccountBound: false,
  hasPrefill: true,
  hasSystemMessages: false,
  refusesForcedTools: false,
  hasStructuredOutput: true,
  cacheMinimum: 1024,
  maximumOutput: 64_000,
  window: 200_000,
};
const opus45: ClaudeModel = { ...old, hasEffort: true, keepsOldThinking: true, cacheMinimum: 4096 };
const opus46: ClaudeModel = {
  ...opus45,
  thinking: "both",
  hasPrefill: false,
  maximumOutput: 128_000,
  window: 1_000_000,
};
const opus47: ClaudeModel = { ...opus46, thinking: "adaptive", sampling: "none", isOmitted: true, cacheMinimum: 2048 };
const opus48: ClaudeModel = { ...opus47, hasSystemMessages: true, cacheMinimum: 1024 };
const opus5: ClaudeModel = { ...opus48, thinksByDefault: true, disabled: "up_to_high", cacheMinimum: 512 };
const sonnet5: ClaudeModel = { ...opus5, disabled: "yes", hasSystemMessages: false, cacheMinimum: 1024 };
const fable5: ClaudeModel = { ...opus5, disabled: "no" };
const opus55: ClaudeModel = { ...fable5, isBinding: true, refusesForcedTools: true };

/** Models by pattern; the first match wins. */
const models: [RegExp, ClaudeModel][] = [
  [/^claude-opus-5-5/, opus55],
  [
    /^claude-sonnet-5-5/,
    { ...opus55, disabled: "between_tools", isAccountBound: true, hasSystemMessages: false, cacheMinimum: 1024 },
  ],
  [/^claude-haiku-5-5/, { ...sonnet5, isBinding: true, isAccountBound: true }],
  [/^claude-fable-5-1/, opus55],
  [/^claude-fable-5/, fable5],
  [/^claude-opus-5/, opus5],
  [/^claude-sonnet-5/, sonnet5],
  [/^claude-opus-4-8/, opus48],
  [/^claude-opus-4-7/, opus47],
  [/^claude-opus-4-6/, opus46],
  [/^claude-sonnet-4-6/, { ...opus46, cacheMinimum: 1024 }],
  [/^claude-opus-4-5/, opus45],
  [/^claude-sonnet-4-5/, { ...old, keepsOldThinking: true }],
  [/^claude-haiku-4-5/, { ...old, cacheMinimum: 4096 }],
];

export function claudeModel(name: unknown): ClaudeModel {
  if (typeof name !== "string") throw new Refusal("model: Field required");
  const found = models.find(([pattern]) => pattern.test(name));
  if (!found) throw new Refusal(`model: ${name}`, { status: 404, type: "not_found_error" });
  return found[1];
}

export const claudeModelNames = [
  "claude-opus-5-5",
  "claude-sonnet-5-5",
  "claude-haiku-5-5",
  "claude-fable-5-1",
  "claude-opus-5",
  "claude-sonnet-5",
  "claude-opus-4-6",
  "claude-haiku-4-5",
];
