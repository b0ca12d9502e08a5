import { permits, touches } from "../core/argument-pattern.js";
import type { ApprovalMemory, HubTool, NamedTool, PreparedCall } from "../core/ports.js";
import { namesTool, patternOf, type ToolPattern } from "../core/tool-pattern.js";

interface Rules {
  allow: readonly ToolPattern[];
  ask: readonly ToolPattern[];
  deny: readonly ToolPattern[];
}

/** What the user said about tools, for one turn. */
export interface PolicyRules {
  /** His word for this turn, by flags: `all` runs every tool unasked; with `only` there are no others but the host's own. */
  turn: Pick<Rules, "allow" | "deny"> & { all: boolean; only?: readonly ToolPattern[] };
  /** His word for every turn, by configuration. */
  permissions: Rules;
  /** What becomes of a tool that nothing else is said about. */
  approval: "ask" | "auto";
  /** Whether a tool whose definition has changed is asked about although it would run unasked otherwise. */
  changedTools: "ask" | "allow";
  memory: ApprovalMemory;
}

/** What the policy looks at. */
export type PolicyCall = Omit<PreparedCall, "pin" | "send">;

export type Verdict =
  | { decision: "allow" }
  | { decision: "deny"; reason: string }
  /** `onceOnly`: a rule asks about each such call, whatever was answered before. */
  | { decision: "ask"; reason: string; onceOnly: boolean };

/**
 * Deny wins over all; then the user's word for this turn, his remembered no, the rules that ask, and last whatever lets a tool run:
 * but not one that is not any more what he said it about.
 */
export function decide(call: PolicyCall, { turn, permissions, approval, changedTools, memory }: PolicyRules): Verdict {
  const isDenying = (pattern: ToolPattern) => forbids(pattern, call);
  const denying = turn.deny.find(isDenying) ?? permissions.deny.find(isDenying);
  if (denying) return { decision: "deny", reason: denial(denying, call) };
  if (isLeftOut(turn.only, call, (pattern) => allows(pattern, call))) {
    return { decision: "deny", reason: `${patternOf(call)} is not among the calls that the request was narrowed to` };
  }
  if (turn.all || turn.allow.some((pattern) => allows(pattern, call))) return { decision: "allow" };

  const remembered = memory.find(call);
  if (remembered?.allow === false) {
    const reason = `the user has said no to ${patternOf(call)} ${spans[remembered.remember]}`;
    return { decision: "deny", reason };
  }
  const name = `${call.server}.${call.tool}`;
  const asking = permissions.ask.find((pattern) => forbids(pattern, call));
  const redefined = call.change && `was redefined: ${call.change}`;
  if (asking) {
    return {
      decision: "ask",
      reason: `${name} ${redefined ?? `is asked about by the rule ${asking.text}`}`,
      onceOnly: true,
    };
  }
  if (approval === "auto") return { decision: "allow" };
  const isVouchedFor =
    call.autoApproved || call.readOnly || remembered || permissions.allow.some((pattern) => allows(pattern, call));
  if (isVouchedFor && (!redefined || changedTools === "allow")) return { decision: "allow" };
  return { decision: "ask", reason: `${name} ${redefined ?? "is not known to be read-only"}`, onceOnly: false };
}

/** Whether no call of this tool could run: then the model does not see it. */
export function isHidden({ actsOn, ...tool }: NamedTool & Pick<HubTool, "actsOn">, rules: PolicyRules): boolean {
  if (actsOn?.every((server) => isHidden({ ...tool, server, hostTool: tool.tool }, rules))) return true;
  if (isLeftOut(rules.turn.only, tool, (pattern) => namesTool(pattern, tool))) return true;
  const isDenying = (pattern: ToolPattern) => pattern.arguments.length === 0 && namesTool(pattern, tool);
  return rules.turn.deny.some(isDenying) || rules.permissions.deny.some(isDenying);
}

/** The host's own tools reach no further than the servers' that are left. */
function isLeftOut(
  only: readonly ToolPattern[] | undefined,
  { server }: { server: string },
  isMeant: (pattern: ToolPattern) => boolean,
): boolean {
  return only !== undefined && server !== "host" && !only.some(isMeant);
}

/** A permission has to cover all of the call. */
function allows(pattern: ToolPattern, call: PolicyCall): boolean {
  return namesTool(pattern, call) && pattern.arguments.every((argument) => permits(argument, call.arguments));
}

/** A prohibition has to be touched. */
function forbids(pattern: ToolPattern, call: PolicyCall): boolean {
  return namesTool(pattern, call) && pattern.arguments.every((argument) => touches(argument, call.arguments));
}

const spans = {
  session: "for this session",
  project: "in this project (mcp-platform approvals forget takes that back)",
  always: "for good (mcp-platform approvals forget takes that back)",
};

function denial(pattern: ToolPattern, call: PolicyCall): string {
  if (pattern.arguments.length === 0) return `${patternOf(call)} is denied by the user's policy`;
  return `the user's policy denies ${patternOf(call)} with these arguments, by the rule ${pattern.text}`;
}
