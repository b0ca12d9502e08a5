/** Converts settings about tools into the policy rules of a turn. */
import { RequestError } from "../../core/errors.js";
import { parseToolPattern, type ToolPattern } from "../../core/patterns/tool-pattern.js";
import type { ApprovalMemory } from "../../core/ports.js";
import type { PolicyRules } from "../../turn/policy.js";
import type { PromptOptions, TurnDefaults } from "./prompt-options.js";

export type RuleDefaults = Pick<TurnDefaults, "approval" | "changedTools" | "permissions">;

/** Combines the options of the turn with the defaults. Throws RequestError `usage` if a pattern is invalid. */
export function rulesOf(options: PromptOptions, defaults: RuleDefaults, memory: ApprovalMemory): PolicyRules {
  const { allow, ask, deny } = defaults.permissions;
  return {
    turn: {
      all: options.approval === "auto",
      allow: patterns(options.allow),
      deny: patterns(options.deny),
      only: options.only && patterns(options.only),
    },
    permissions: { allow: patterns(allow), ask: patterns(ask), deny: patterns(deny) },
    approval: options.approval ?? defaults.approval,
    changedTools: defaults.changedTools,
    memory,
  };
}

/** Checks the patterns before the turn is stored in the log. Throws RequestError `usage` if a pattern is invalid. */
export function requirePatterns({ allow, deny, only }: PromptOptions): void {
  patterns([...(allow ?? []), ...(deny ?? []), ...(only ?? [])]);
}

/** Parses patterns of tools. Throws RequestError `usage` if a pattern is invalid. */
export function patterns(texts: readonly string[] = []): ToolPattern[] {
  return texts.map((text) => {
    const pattern = parseToolPattern(text);
    if (!("problem" in pattern)) return pattern;
    throw new RequestError("usage", `"${text}" is not a pattern of tools: ${pattern.problem}`);
  });
}
