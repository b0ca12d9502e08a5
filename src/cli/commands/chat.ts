/** `chat`, the default command: opens a chat in the terminal. */
import { join } from "node:path";
import type { Command } from "commander";
import { configuredSecrets } from "../../config/reading/secrets.js";
import { stateFolder } from "../../core/files/state-folder.js";
import type { ChatHost } from "../../doors/terminal/options.js";
import type { App } from "../../host/app.js";
import type { GlobalOptions } from "../shared/configuration.js";
import { modelFlag } from "../shared/flags.js";
import { openDoor } from "../shared/open-door.js";
import { onInterrupt } from "../shared/process.js";
import { runOnce } from "./run.js";

interface ChatFlags {
  model?: string;
  continue?: boolean;
  resume?: string;
}

const { stdin, stdout } = process;

export function addChatCommand(program: Command): void {
  program
    .command("chat", { isDefault: true })
    .description("chat in the terminal; with piped text, one prompt and one answer")
    .option(...modelFlag)
    .option("-c, --continue", "continue the last conversation")
    .option("-r, --resume <id>", "continue this conversation")
    .action(async (flags: ChatFlags) => {
      const globals = program.opts<GlobalOptions>();
      if (stdin.isTTY && stdout.isTTY) return openChat(globals, flags);
      return runOnce(globals, "-", { model: flags.model, conversation: flags.resume });
    });
}

async function openChat(globals: GlobalOptions, flags: ChatFlags): Promise<void> {
  const { runRepl } = await import("../../doors/terminal/repl.js");
  const { createColors, isColorSupported } = (await import("picocolors")).default;
  const listeners = new Set<(line: string) => void>();
  /** Log lines that were written before the chat added its listener. */
  const early: string[] = [];
  const onNotice = (listener: (line: string) => void) => {
    listeners.add(listener);
    for (const line of early.splice(0)) listener(line);
    return () => listeners.delete(listener);
  };
  const colors = createColors(isColorSupported);
  const isDumb = process.env.TERM === "dumb";
  const terminal = { input: stdin, output: stdout, isTty: true, isDumb, colors, onInterrupt, onNotice };
  return openDoor(
    globals,
    async (parts, app) => {
      const { config, notices } = app;
      const last = flags.continue
        ? (await parts.sessions.list({ most: 1 })).conversations[0]?.conversationId
        : undefined;
      const { toolNotifications } = config.chat.service;
      const conversationId = flags.resume ?? last;
      const host = await chatHost(app);
      return runRepl(parts, { model: flags.model, conversationId, toolNotifications, notices, host }, terminal);
    },
    {
      followsFiles: true,
      observe: ({ scope, message }) => {
        const line = `${scope}: ${message}`;
        if (listeners.size === 0) early.push(line);
        for (const listener of listeners) listener(line);
      },
    },
  );
}

/** Returns the parts of the host that only a chat in a terminal uses. */
async function chatHost(app: App): Promise<ChatHost> {
  const { openApprovals } = await import("../../host/user-state.js");
  const { permissionsText } = await import("../../session/commands/approvals-text.js");
  const approvals = openApprovals(process.env, () => {});
  return {
    models: () => app.models(),
    contextWindow: (model) => app.orchestrator.facts(model).contextWindow,
    historyFile: join(stateFolder(process.env, "chat"), "history.jsonl"),
    secrets: configuredSecrets(app.config, process.env),
    permissions: () => permissionsText(app.config.chat.service, approvals.list()),
  };
}
