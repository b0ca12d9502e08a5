import { globMatches } from "../core/glob.js";
import type { ToolFacts } from "../core/ports.js";

/** What the user said about tools, for one turn. Patterns: `server__tool`, `server.tool` or `mcp__server__tool`, `*` for any run of characters. */
export interface PolicyRules {
  approval: "ask" | "auto";
  allow: readonly string[];
  deny: readonly string[];
}

export type Verdict = { decision: "allow" | "deny" } | { decision: "ask"; reason: string };

/** Deny wins over allow, a named allowance over what the tool says of itself. */
export function decide(tool: ToolFacts, rules: PolicyRules): Verdict {
  if (matchesTool(rules.deny, tool)) return { decision: "deny" };
  if (rules.approval === "auto" || tool.autoApproved || tool.readOnly || matchesTool(rules.allow, tool)) {
    return { decision: "allow" };
  }
  return { decision: "ask", reason: `${tool.server}.${tool.tool} is not known to be read-only` };
}

/** Whether any pattern names this tool, in any of the spellings that people bring from other hosts. */
export function matchesTool(patterns: readonly string[], tool: { server: string; tool: string }): boolean {
  const full = `${tool.server}__${tool.tool}`;
  return patterns.some((pattern) => {
    const spelled = pattern.replace(/^mcp__/, "");
    return globMatches(spelled, full) || globMatches(spelled, `${tool.server}.${tool.tool}`);
  });
}
