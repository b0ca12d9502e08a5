import type { ApprovalAnswer } from "../../core/approval.js";
import type { RememberedTool } from "../../core/ports.js";
import { toVisibleJson } from "../../core/text/inert.js";
import { columns } from "../shared/command-text.js";
import type { RuleDefaults } from "../shared/rules.js";

export interface ListedApproval extends RememberedTool, Required<ApprovalAnswer> {
  workspace?: string;
  answeredAt: number;
}

export function approvalsText(kept: readonly ListedApproval[]): string {
  return columns(
    kept.map(({ server, tool, allow, workspace, answeredAt }) => [
      `${server}.${tool}`,
      allow ? "allow" : "deny",
      workspace === undefined ? "always" : `in ${workspace}`,
      `since ${new Date(answeredAt).toISOString().slice(0, 16).replace("T", " ")} UTC`,
    ]),
    "no answer is kept",
  );
}

export function approvalsJson(kept: readonly ListedApproval[]): string {
  return toVisibleJson(kept.map(approvalObject), 2);
}

export function approvalObject({ server, tool, allow, remember, workspace, answeredAt }: ListedApproval) {
  return { server, tool, allow, remember, workspace: workspace ?? null, answered_at: answeredAt };
}

export function forgottenText(kept: readonly ListedApproval[]): string {
  return kept.length === 0 ? "no kept answer matches" : `forgotten:\n${approvalsText(kept)}`;
}

export function permissionsText(
  { approval, changedTools, permissions }: RuleDefaults,
  kept: readonly ListedApproval[],
): string {
  const rules = (["deny", "ask", "allow"] as const).flatMap((kind) =>
    (permissions[kind] ?? []).map((pattern) => `${kind.padEnd(6)} ${pattern}`),
  );
  const otherwise = approval === "ask" ? "is asked about" : "runs unasked";
  return [
    ...(rules.length > 0 ? rules : ["no rule is configured (chat.service.permissions)"]),
    `a call without a rule ${otherwise} (chat.service.approval: ${approval})`,
    `a tool whose definition has changed ${changedTools === "ask" ? "is asked about" : "is treated as before"}`,
    `\nremembered answers (mcp-platform approvals forget takes them back):\n${approvalsText(kept)}`,
  ].join("\n");
}
