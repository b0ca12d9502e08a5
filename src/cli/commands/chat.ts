/** `chat`, and the command line that names no command: a chat, or one prompt. */
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
import { addPromptOptions, lastConversation, type RunFlags, runOnce, runWords } from "./run.js";

interface ChatFlags {
  model?: string;
  continue?: boolean;
  resume?: string;
  interactive?: boolean;
}

const { stdin, stdout } = process;

export function addChatCommand(program: Command): void {
  const chat = program
    .command("chat")
    .description("chat in the terminal; with piped text, one prompt and one answer")
    .argument("[prompt]", "the first message")
    .option(...modelFlag)
    .option("-c, --continue", "continue the last conversation")
    .option("-r, --resume <id>", "continue this conversation")
    .action((prompt: string | undefined, flags: ChatFlags) => chatOrRun(program.opts<GlobalOptions>(), prompt, flags));
  // Without the name of a command, a prompt is answered once, and a chat is opened if there is none.
  addPromptOptions(program.command("(prompt)", { isDefault: true, hidden: true }))
    .argument("[prompt...]")
    .option("-r, --resume <id>")
    .option("-i, --interactive")
    .action(async (words: string[], flags: ChatFlags & RunFlags, command: Command) => {
      const globals = program.opts<GlobalOptions>();
      const [first = flags.prompt] = words;
      if (words[0] !== undefined) await refuseMistypedCommand(words[0], program);
      if (first !== undefined && !flags.interactive) {
        return runWords(globals, words, { conversation: flags.resume, ...flags }, command);
      }
      if (stdin.isTTY && stdout.isTTY) refuseRunFlags(command, chat);
      return chatOrRun(globals, first, flags);
    });
}

/** Opens a chat at a terminal. Otherwise the piped text, with the prompt if there is one, is answered once. */
function chatOrRun(
  globals: GlobalOptions,
  prompt: string | undefined,
  { resume, ...flags }: ChatFlags & RunFlags,
): Promise<void> {
  if (stdin.isTTY && stdout.isTTY) return openChat(globals, prompt, { resume, ...flags });
  return runOnce(globals, prompt ?? "-", { conversation: resume, ...flags });
}

/** Ends with a usage error if the word is nearly the name of a command. */
async function refuseMistypedCommand(word: string, program: Command): Promise<void> {
  if (/\s/.test(word)) return;
  const { didYouMean } = await import("../../core/text/nearest.js");
  const names = program.commands.filter((command) => command.name() !== "(prompt)").map((command) => command.name());
  const meant = didYouMean(word, names);
  if (meant) program.error(`error: there is no command ${word}${meant}. As a prompt: mcp-platform run ${word}`);
}

/** Ends with a usage error if a flag was given that only `run` has. */
function refuseRunFlags(command: Command, chat: Command): void {
  const stray = command.options.find(
    (option) =>
      command.getOptionValueSource(option.attributeName()) === "cli" &&
      option.long !== "--interactive" &&
      !chat.options.some(({ long }) => long === option.long),
  );
  if (stray) command.error(`error: ${stray.long} is for a prompt that is answered once: mcp-platform run "…"`);
}

async function openChat(globals: GlobalOptions, prompt: string | undefined, flags: ChatFlags): Promise<void> {
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
      const { model, resume } = flags;
      const { toolNotifications } = config.chat.service;
      const conversationId = resume ?? (flags.continue ? await lastConversation(parts) : undefined);
      const host = await chatHost(app);
      return runRepl(parts, { model, conversationId, prompt, toolNotifications, notices, host }, terminal);
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
