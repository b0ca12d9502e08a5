import { type Command, InvalidArgumentError } from "commander";
import { namesTool, parseToolPattern, type ToolPattern } from "../../core/patterns/tool-pattern.js";
import type { RememberedTool } from "../../core/ports.js";
import { unambiguous } from "../../core/text/inert.js";
import { printInert } from "../shared/process.js";

export function addApprovalCommands(program: Command): void {
  const approvals = program
    .command("approvals")
    .description("list or forget your stored answers to questions about tool calls");
  approvals
    .command("list", { isDefault: true })
    .description("list the answers that hold for a project or always")
    .option("--json", "print JSON")
    .action(async ({ json }: { json?: boolean }) => {
      const { approvalsJson, approvalsText } = await import("../../session/commands/approvals-text.js");
      const stored = (await open()).list();
      return printInert(json ? approvalsJson(stored) : approvalsText(stored));
    });
  approvals
    .command("forget")
    .description("forget answers, so that running hosts ask again too")
    .argument("[pattern]", "tools, such as server__tool or server.*", toolNames)
    .option("--all", "forget every answer")
    .action(async (pattern: ToolPattern | undefined, { all }: { all?: boolean }, command: Command) => {
      if ((pattern === undefined) !== (all === true)) command.error("error: name a pattern, or --all");
      const { forgottenText } = await import("../../session/commands/approvals-text.js");
      const isMeant = (tool: RememberedTool) => !pattern || namesTool(pattern, { ...tool, ...noAnnotations });
      return printInert(forgottenText((await open()).forget(isMeant)));
    });
}

/**
 * Annotations to pass to `namesTool`. The values never matter: stored answers have no annotations, and `toolNames` refuses patterns with
 * annotations.
 */
const noAnnotations = { readOnly: false, idempotent: false, destructive: false, openWorld: false };

function toolNames(text: string): ToolPattern {
  const pattern = parseToolPattern(text);
  if ("problem" in pattern) throw new InvalidArgumentError(pattern.problem);
  if (pattern.arguments.length === 0 && pattern.annotations.length === 0) return pattern;
  throw new InvalidArgumentError("answers are kept by the tool's name: give a pattern without arguments");
}

async function open() {
  const { openApprovals } = await import("../../host/user-state.js");
  return openApprovals(process.env, ({ message }) => process.stderr.write(unambiguous(`${message}\n`)));
}
