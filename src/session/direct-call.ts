/** Tool calls without a model, for programs that call tools themselves. */
import { approvalIn } from "../core/approval.js";
import type { Question } from "../core/events.js";
import type { ToolCall } from "../core/messages.js";
import { isServerHidden, readOf } from "../core/patterns/hidden-servers.js";
import { namesTool } from "../core/patterns/tool-pattern.js";
import type { HubTool, SendOptions, ServedResource, ToolHub, ToolResult } from "../core/ports.js";
import { allowedCall, approvalQuestion } from "../turn/call-approval.js";
import { decide, isHidden, type PolicyRules, type Verdict } from "../turn/policy.js";

import { patterns } from "./shared/rules.js";

interface DirectCall extends SendOptions {
  rules: PolicyRules;
  /** Asks the user for approval, in the same way as in a turn, and resolves with the answer. Without `over`, the call itself waits. */
  ask: (question: Question, over?: AbortSignal) => Promise<unknown>;
}

/**
 * Checks the arguments and the policy, asks for the user's approval if needed, then calls the server. Never rejects: the result of a
 * refused call is an error.
 */
export async function callTool(hub: ToolHub, call: ToolCall, { rules, ...options }: DirectCall): Promise<ToolResult> {
  const prepared = await hub.prepare(call);
  if ("refused" in prepared) return prepared.refused;
  const verdict = decide(prepared, rules);
  if (verdict.decision === "deny") return refused(verdict.reason);
  if (verdict.decision === "ask") {
    const question = approvalQuestion(call, prepared, verdict);
    const value = await options.ask(question);
    const { allow, remember } = approvalIn(value);
    if (remember && !(allow && verdict.onceOnly)) rules.memory.remember(prepared, { allow, remember });
    if (!allow) return refused(`the user did not allow ${call.name} (${verdict.reason})`);
    const allowed = await allowedCall({ call, prepared, question }, value, { tools: hub, rules });
    return "refused" in allowed ? allowed.refused : allowed.send(options);
  }
  return prepared.send(options);
}

/**
 * Calls a tool for a person who has asked for this call, so nobody is asked again. A call that the rules deny is refused. Never rejects: the
 * result of a refused call is an error.
 */
export async function callForPerson(
  hub: ToolHub,
  call: ToolCall,
  { rules, ...options }: SendOptions & { rules: PolicyRules },
): Promise<ToolResult> {
  const prepared = await hub.prepare(call);
  if ("refused" in prepared) return prepared.refused;
  const verdict = decide(prepared, rules);
  return verdict.decision === "deny" ? refused(verdict.reason) : prepared.send(options);
}

/**
 * Returns the verdict of the rules about a read of this resource. As in a turn, a read is judged like a tool call with the address that the
 * server gave the resource.
 */
export function decideRead({ server, place, uri }: ServedResource, rules: PolicyRules): Verdict {
  return decide({ ...readOf(server), place, autoApproved: true, arguments: { uri } }, rules);
}

/**
 * Resolves with why the resource may not be read, or with undefined if it may. If a rule asks about the read, asks the user; the answer is not
 * kept. `newCallId` returns the id of the call that the question shows.
 */
export async function refusalOfRead(
  resource: ServedResource,
  { rules, newCallId, ask }: Pick<DirectCall, "rules" | "ask"> & { newCallId: () => string },
): Promise<string | undefined> {
  const { server, uri } = resource;
  const verdict = decideRead(resource, rules);
  if (verdict.decision === "allow") return undefined;
  const { reason } = verdict;
  if (verdict.decision === "ask") {
    const { tool, hostTool } = readOf(server);
    const call = { id: newCallId(), name: `host__${hostTool}`, arguments: JSON.stringify({ uri }) };
    const answer = await ask({ kind: "approval", call, server, tool, reason, onceOnly: true });
    if (approvalIn(answer).allow) return undefined;
  }
  return `not read: ${reason}`;
}

/** Returns true if the rules deny every read of resources from this server. */
export function hidesResources(server: string, rules: PolicyRules): boolean {
  return isHidden(readOf(server), rules);
}

/** Returns true if the rules deny the whole server, so that its prompts are hidden too. */
export function hidesPrompts(server: string, hub: ToolHub, rules: PolicyRules): boolean {
  return isServerHidden(server, hub.tools(), (tool) => isHidden(tool, rules));
}

/**
 * Returns those tools that match one of the patterns. Leaves out tools that the rules always deny, and tools of the host itself. Throws
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
