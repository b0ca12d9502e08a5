import { permits, touches } from "../core/patterns/argument-pattern.js";
import { mayMeanTool, namesTool, patternOf, type ToolPattern } from "../core/patterns/tool-pattern.js";
import type { ApprovalMemory, HubTool, NamedTool, PreparedCall } from "../core/ports.js";

interface Rules {
  allow: readonly ToolPattern[];
  ask: readonly ToolPattern[];
  deny: readonly ToolPattern[];
}

export interface PolicyRules {
  /**
   * Rules for this turn, from command-line flags or the request. `all`: every tool runs without asking. `only`: all tools are excluded
   * except the named ones and the host's own.
   */
  turn: Pick<Rules, "allow" | "deny"> & { all: boolean; only?: readonly ToolPattern[] };
  /** Rules for every turn, from the configuration. */
  permissions: Rules;
  /** Decision about a call that no rule matches. */
  approval: "ask" | "auto";
  /** Returns true once the user wants to be asked in the running turn: `all` and the approval mode `auto` then allow no further call. */
  isAutoWithdrawn?: () => boolean;
  /**
   * Decision about a call of a tool whose definition has changed since the user approved it, if the call would otherwise need no approval.
   */
  changedTools: "ask" | "allow";
  memory: ApprovalMemory;
}

export type PolicyCall = Omit<PreparedCall, "pin" | "send">;

export type Verdict =
  | { decision: "allow" }
  | { decision: "deny"; reason: string }
  /**
   * `onceOnly` is true if a rule asks about every such call. In this case, earlier answers do not count, and the new answer is not
   * remembered.
   */
  | { decision: "ask"; reason: string; onceOnly: boolean };

/**
 * Decides whether a call runs. The first match counts, in this order: rules that deny; the user's permission for this turn; a remembered
 * refusal; rules that ask; rules and remembered answers that allow. If the tool's definition has changed, the last group does not allow the
 * call: the person is asked, unless `changedTools` or `approval` allows it.
 */
export function decide(call: PolicyCall, rules: PolicyRules): Verdict {
  const { turn, permissions, approval, isAutoWithdrawn = () => false, changedTools, memory } = rules;
  const isDenying = (pattern: ToolPattern) => forbids(pattern, call);
  const denying = turn.deny.find(isDenying) ?? permissions.deny.find(isDenying);
  if (denying) return { decision: "deny", reason: denial(denying, call) };
  if (isLeftOut(turn.only, call, (pattern) => allows(pattern, call))) {
    return { decision: "deny", reason: `${patternOf(call)} is not among the calls that the request was narrowed to` };
  }
  const isAuto = (turn.all || approval === "auto") && !isAutoWithdrawn();
  if ((turn.all && isAuto) || turn.allow.some((pattern) => allows(pattern, call))) return { decision: "allow" };

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
  if (isAuto) return { decision: "allow" };
  const isVouchedFor =
    call.autoApproved || call.readOnly || remembered || permissions.allow.some((pattern) => allows(pattern, call));
  if (isVouchedFor && (!redefined || changedTools === "allow")) return { decision: "allow" };
  return { decision: "ask", reason: `${name} ${redefined ?? "is not known to be read-only"}`, onceOnly: false };
}

/** True if the rules deny every call of this tool, so that the model need not see it. */
export function isHidden({ actsOn, ...tool }: NamedTool & Pick<HubTool, "actsOn">, rules: PolicyRules): boolean {
  if (actsOn?.every((server) => isHidden({ ...tool, server, hostTool: tool.tool }, rules))) return true;
  if (isLeftOut(rules.turn.only, tool, (pattern) => namesTool(pattern, tool))) return true;
  const isDenying = (pattern: ToolPattern) => pattern.arguments.length === 0 && mayMeanTool(pattern, tool);
  return rules.turn.deny.some(isDenying) || rules.permissions.deny.some(isDenying);
}

/** True if `only` excludes the tool. The host's own tools are never excluded, because they act only on servers that are not excluded. */
function isLeftOut(
  only: readonly ToolPattern[] | undefined,
  { server }: { server: string },
  isMeant: (pattern: ToolPattern) => boolean,
): boolean {
  return only !== undefined && server !== "host" && !only.some(isMeant);
}

/** True if the pattern names the tool and permits all arguments of the call. */
function allows(pattern: ToolPattern, call: PolicyCall): boolean {
  return namesTool(pattern, call) && pattern.arguments.every((argument) => permits(argument, call.arguments));
}

/** True if the pattern names the tool and each of its argument patterns matches some value in the call's arguments. */
function forbids(pattern: ToolPattern, call: PolicyCall): boolean {
  return mayMeanTool(pattern, call) && pattern.arguments.every((argument) => touches(argument, call.arguments));
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
