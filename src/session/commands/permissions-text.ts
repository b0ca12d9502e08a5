import type { RuleDefaults } from "../shared/rules.js";
import { approvalsText, type Kept } from "./approvals-text.js";

export function permissionsText({ approval, changedTools, permissions }: RuleDefaults, kept: readonly Kept[]): string {
  const rules = (["deny", "ask", "allow"] as const).flatMap((kind) =>
    (permissions[kind] ?? []).map((pattern) => `${kind.padEnd(6)} ${pattern}`),
  );
  const otherwise = approval === "ask" ? "is asked about" : "runs unasked";
  return [
    ...(rules.length > 0 ? rules : ["no rule is configured (chat.service.permissions)"]),
    `a call that no rule is about ${otherwise} (chat.service.approval: ${approval})`,
    `a tool whose definition has changed ${changedTools === "ask" ? "is asked about" : "is treated as before"}`,
    `\nremembered answers (mcp-platform approvals forget takes them back):\n${approvalsText(kept)}`,
  ].join("\n");
}
