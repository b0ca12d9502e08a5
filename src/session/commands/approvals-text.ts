import type { ApprovalAnswer } from "../../core/approval.js";
import type { RememberedTool } from "../../core/ports.js";
import { toVisibleJson } from "../../core/text/inert.js";
import { columns } from "../shared/command-text.js";

export interface Kept extends RememberedTool, Required<ApprovalAnswer> {
  workspace?: string;
  answeredAt: number;
}

export function approvalsText(kept: readonly Kept[]): string {
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

export function approvalsJson(kept: readonly Kept[]): string {
  const objects = kept.map(({ server, tool, allow, remember, workspace = null, answeredAt }) => ({
    server,
    tool,
    allow,
    remember,
    workspace,
    answered_at: answeredAt,
  }));
  return toVisibleJson(objects, 2);
}

export function forgottenText(kept: readonly Kept[]): string {
  return kept.length === 0 ? "there was nothing to forget" : `forgotten:\n${approvalsText(kept)}`;
}
