import { globMatches } from "../core/glob.js";
import type { ToolFacts } from "../core/ports.js";

/** What the user said about tools, for one turn. Patterns: `server__tool`, `server.tool` or `mcp__server__tool`, `*` for any run of characters. */
export interface PolicyRules {
  approval: "ask" | "auto";
  allow: readonly string[];
  deny: readonly string[];
  /** Patterns of what he answered "always" to: they hold for a tool as it was then. */
  remembered: readonly string[];
  /** Whether a tool whose definition has changed is asked about although it would run unasked otherwise. */
  changedTools: "ask" | "allow";
}

export type Verdict = { decision: "allow" | "deny" } | { decision: "ask"; reason: string };

/** Deny wins over allow, the user's flags over a changed definition, and that over what was said of the tool before. */
export function decide(tool: ToolFacts, rules: PolicyRules): Verdict {
  if (matchesTool(rules.deny, tool)) return { decision: "deny" };
  if (rules.approval === "auto" || matchesTool(rules.allow, tool)) return { decision: "allow" };
  const isVouchedFor = tool.autoApproved || tool.readOnly || matchesTool(rules.remembered, tool);
  if (isVouchedFor && (!tool.change || rules.changedTools === "allow")) return { decision: "allow" };
  const reason = tool.change ? `was redefined: ${tool.change}` : "is not known to be read-only";
  return { decision: "ask", reason: `${tool.server}.${tool.tool} ${reason}` };
}

/** Whether any pattern names this tool, in any of the spellings that people bring from other hosts. */
export function matchesTool(patterns: readonly string[], tool: { server: string; tool: string }): boolean {
  const full = `${tool.server}__${tool.tool}`;
  return patterns.some((pattern) => {
    const spelled = pattern.replace(/^mcp__/, "");
    return globMatches(spelled, full) || globMatches(spelled, `${tool.server}.${tool.tool}`);
  });
}
