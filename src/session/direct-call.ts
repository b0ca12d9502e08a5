/** Tool calls without a model, for programs that call tools themselves. */
import { readApproval } from "../core/approval.js";
import type { Question } from "../core/events.js";
import type { ToolCall } from "../core/messages.js";
import { namesTool } from "../core/patterns/tool-pattern.js";
import type { HubTool, SendOptions, ToolHub, ToolResult } from "../core/ports.js";
import { decide, isHidden, type PolicyRules, type Verdict } from "../turn/policy.js";
import { approvalQuestion } from "../turn/tool-batch.js";
import { patterns } from "./shared/rules.js";

interface DirectCall extends SendOptions {
  rules: PolicyRules;
  /** Asks the user for approval, as in a turn, and resolves with the answer. */
  ask: (question: Question) => Promise<unknown>;
}

/**
 * Checks the arguments, the policy and, if needed, the user's approval, then calls the server. Never rejects: a refused call gets an error
 * as its result.
 */
export async function callTool(hub: ToolHub, call: ToolCall, { rules, ...options }: DirectCall): Promise<ToolResult> {
  const prepared = hub.prepare(call);
  if ("refused" in prepared) return prepared.refused;
  const verdict = decide(prepared, rules);
  if (verdict.decision === "deny") return refused(verdict.reason);
  if (verdict.decision === "ask") {
    const approval = readApproval(await options.ask(approvalQuestion(call, prepared, verdict)));
    const { allow, remember } = "problem" in approval ? { allow: false } : approval;
    if (remember && !(allow && verdict.onceOnly)) rules.memory.remember(prepared, { allow, remember });
    if (!allow) return refused(`the user did not allow ${call.name} (${verdict.reason})`);
    if (prepared.change) prepared.pin();
  }
  return prepared.send(options);
}

/** Returns what the rules say about reading this address from the server. The read counts as a call, as when a model reads it. */
export function decideRead(server: string, uri: string, rules: PolicyRules): Verdict {
  return decide({ ...readOf(server), place: server, autoApproved: true, arguments: { uri } }, rules);
}

/** True if the rules deny every read of resources from this server. */
export function hidesResources(server: string, rules: PolicyRules): boolean {
  return isHidden(readOf(server), rules);
}

/** The host's tool for resources, as the rules see it when it reads from this server. */
const readOf = (server: string) => {
  const tool = "read_resource";
  return { server, tool, hostTool: tool, readOnly: true, idempotent: true, destructive: false, openWorld: true };
};

/**
 * Returns the tools of servers that match one of the patterns and are not denied by any rule. The host's own tools are excluded. Throws
 * RequestError for an invalid pattern.
 */
export function selectTools(hub: ToolHub, chosen: readonly string[], rules: PolicyRules): HubTool[] {
  const named = patterns(chosen);
  const isChosen = (tool: HubTool) => tool.server !== "host" && named.some((pattern) => namesTool(pattern, tool));
  return hub.tools().filter((tool) => isChosen(tool) && !isHidden(tool, rules));
}

function refused(reason: string): ToolResult {
  return { content: [{ type: "text", text: `not run: ${reason}` }], isError: true };
}
