/** The format flags of `run`. With `claude-stream-json` as input format, `run` reads many prompts from stdin. */
import { randomUUID } from "node:crypto";
import { type Command, Option } from "commander";
import type { ServiceConfig } from "../../core/config.js";
import { RequestError } from "../../core/errors.js";
import type { ClaudeOptions } from "../../doors/claude/view.js";
import type { PromptOptions } from "../../session/shared/prompt-options.js";
import type { GlobalOptions } from "../shared/configuration.js";
import { openDoor } from "../shared/open-door.js";
import { onInterrupt, tell } from "../shared/process.js";

export interface ClaudeFlags {
  outputFormat?: "text" | "json" | "stream-json" | "claude-json" | "claude-stream-json";
  inputFormat?: "text" | "claude-stream-json";
  includePartialMessages?: boolean;
  replayUserMessages?: boolean;
  permissionPromptTool?: "stdio";
  conversation?: string;
  requestId?: string;
  interrupt?: boolean;
  yes?: boolean;
  ask?: boolean;
  attach?: string[];
  jsonSchema?: string;
}

const { stdin, stdout } = process;
const format = "claude-stream-json";

export function addClaudeOptions(run: Command): void {
  run
    .addOption(
      new Option("--output-format <format>", "what stdout gets").choices([
        "text",
        "json",
        "stream-json",
        "claude-json",
        format,
      ]),
    )
    .addOption(
      new Option("--input-format <format>", `${format}: lines on stdin, for many turns in one conversation`).choices([
        "text",
        format,
      ]),
    )
    .option("--include-partial-messages", `answers as they arrive too, with ${format}`)
    .option("--replay-user-messages", "each prompt again on stdout when its turn begins, with input in lines")
    .addOption(
      new Option(
        "--permission-prompt-tool <name>",
        `who is asked about calls that need approval: the writer of stdin`,
      ).choices(["stdio"]),
    );
}

/** Returns true if the prompts come as lines on stdin. Throws RequestError for flags that cannot be combined. */
export function isClaudePipe(flags: ClaudeFlags, prompt?: string): boolean {
  const { inputFormat, outputFormat, includePartialMessages, replayUserMessages } = flags;
  const { permissionPromptTool, requestId, interrupt, attach, jsonSchema } = flags;
  const isPipe = inputFormat === format;
  if (isPipe && outputFormat !== undefined && outputFormat !== format) {
    throw mistake(`--input-format ${format} goes with --output-format ${format} only, and implies it`);
  }
  if (includePartialMessages && !isPipe && outputFormat !== format) {
    throw mistake(`--include-partial-messages goes with --output-format ${format} only`);
  }
  if (permissionPromptTool && !isPipe) {
    throw mistake(`--permission-prompt-tool goes with --input-format ${format} only`);
  }
  if (replayUserMessages && !isPipe) throw mistake(`--replay-user-messages goes with --input-format ${format} only`);
  if (isPipe && prompt !== undefined) throw mistake(`with --input-format ${format} the prompts come from stdin`);
  if (isPipe && attach) throw mistake(`with --input-format ${format} images and files come in the messages on stdin`);
  if (isPipe && jsonSchema) throw mistake(`--json-schema does not go with --input-format ${format}`);
  if (isPipe && (requestId !== undefined || interrupt)) {
    throw mistake(
      `with --input-format ${format} each message has its own request id, its "uuid", and can be interrupted`,
    );
  }
  return isPipe;
}

export async function runPipe(
  globals: GlobalOptions,
  flags: ClaudeFlags,
  turnOf: (service: ServiceConfig) => PromptOptions,
  version: string,
): Promise<void> {
  const { runClaudePipe } = await import("../../doors/claude/pipe.js");
  return openDoor(
    globals,
    (parts, { config: { chat }, notices }) => {
      tell(notices);
      const pipe = {
        ...claudeOptions(flags, chat.service, version),
        turn: turnOf(chat.service),
        conversationId: flags.conversation,
        systemPrompt: chat.service.systemPrompt,
        canAsk: flags.permissionPromptTool === "stdio",
        replaysPrompts: flags.replayUserMessages === true,
      };
      return runClaudePipe(parts, pipe, { stdin, stdout, onInterrupt });
    },
    { followsFiles: true, cancelsOnTerm: true },
  );
}

export function claudeOptions(flags: ClaudeFlags, service: ServiceConfig, version: string): ClaudeOptions {
  const approval = approvalOf(flags) ?? service.approval;
  const { includePartialMessages = false, outputFormat } = flags;
  const hasOnlyResult = outputFormat === "claude-json";
  return { cwd: process.cwd(), version, approval, includePartialMessages, hasOnlyResult, newUuid: randomUUID };
}

/** Returns the approval mode that the flags choose. Throws RequestError if they contradict each other. */
export function approvalOf({ yes, ask }: Pick<ClaudeFlags, "yes" | "ask">): "auto" | "ask" | undefined {
  if (yes && ask) throw mistake("--yes and --ask contradict each other");
  if (yes) return "auto";
  return ask ? "ask" : undefined;
}

function mistake(message: string): RequestError {
  return new RequestError("usage", message);
}
