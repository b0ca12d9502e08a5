#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import type { App } from "./app.js";
import { addApprovalCommands } from "./approval-commands.js";
import { addClaudeOptions, type ClaudeFlags, claudeOptions, isClaudePipe, runPipe } from "./claude-run.js";
import { parseDuration } from "./config/durations.js";
import { type GlobalOptions, load } from "./configuration.js";
import { addConversationCommands } from "./conversation-commands.js";
import type { ContentPart } from "./core/chat.js";
import type { LlmConfig } from "./core/config.js";
import { errorInfo } from "./core/errors.js";
import type { DoorParts } from "./frontends/door.js";
import { exitCodeOfError, exitCodes } from "./frontends/exit-codes.js";
import { readPrompt } from "./frontends/piped-text.js";
import { type DoorOptions, guardStreams, leave, onInterrupt, openDoor, print } from "./process.js";
import { addProtocolCommands } from "./protocol-commands.js";
import { addServerCommands } from "./server-commands.js";

interface RunOptions extends ClaudeFlags {
  prompt?: string;
  model?: string;
  system?: string;
  stream?: boolean;
  maxToolHops?: number;
  timeout?: number;
  allow?: string[];
  deny?: string[];
  attach?: string[];
}

const { stdin, stdout, stderr } = process;
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const program = new Command("mcp-platform")
  .description("An MCP host: a language model that uses the tools of your MCP servers.")
  .version(version)
  .option("--config <file>", "config file (default: ./config.yaml, else the one in ~/.config/mcp-platform)")
  .option("--mcp-config <file>", 'more servers: a JSON file with "mcpServers"')
  .option("--trust-project", "start the servers of a config file that was only found in this folder")
  .addOption(
    new Option("--log-level <level>", "log lines on stderr").choices(["debug", "info", "warn", "error", "silent"]),
  )
  .showHelpAfterError("(--help shows what there is)")
  .exitOverride();

const modelOption = ["-m, --model <name>", "model of the active provider, or provider/model"] as const;

program
  .command("chat", { isDefault: true })
  .description("chat in the terminal; with text piped in, one shot")
  .option(...modelOption)
  .option("-c, --continue", "go on with the last conversation")
  .option("-r, --resume <id>", "go on with this conversation")
  .action(async (options: { model?: string; continue?: boolean; resume?: string }) => {
    if (!stdin.isTTY || !stdout.isTTY) return runOnce("-", { model: options.model, conversation: options.resume });
    const { runRepl } = await import("./frontends/repl/repl.js");
    const { createColors, isColorSupported } = (await import("picocolors")).default;
    const listeners = new Set<(line: string) => void>();
    const onNotice = (listener: (line: string) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    };
    const colors = createColors(isColorSupported);
    const isDumb = process.env.TERM === "dumb";
    const terminal = { input: stdin, output: stdout, isTty: true, isDumb, colors, onInterrupt, onNotice };
    return open(
      async (parts, app) => {
        const { config, notices } = app;
        const last = options.continue ? (await parts.sessions.list())[0]?.conversationId : undefined;
        const { toolNotifications } = config.chat.service;
        const conversationId = options.resume ?? last;
        const host = await (await import("./chat-host.js")).chatHost(app);
        return runRepl(parts, { model: options.model, conversationId, toolNotifications, notices, host }, terminal);
      },
      {
        followsFiles: true,
        observe: ({ scope, message }) => {
          for (const listener of listeners) listener(`${scope}: ${message}`);
        },
      },
    );
  });

const run = program
  .command("run")
  .description("one prompt, one answer: on stdout, everything else on stderr")
  .argument("[prompt]", "the prompt; - reads it from stdin, which is read before it anyway when something is piped in")
  .option("-p, --prompt <text>", "the prompt, as an option")
  .option(...modelOption)
  .option("-s, --system <text>", "system prompt instead of the configured one")
  .option("--no-stream", "ask the provider for the whole answer at once")
  .option("--conversation <id>", "go on with this conversation")
  .option("--request-id <id>", "idempotency key: the same id in the same conversation is answered once")
  .option("--interrupt", "cancel what runs in the conversation instead of waiting for it")
  .option("--max-tool-hops <n>", "model requests that may use tools", wholeNumber)
  .option("--timeout <duration>", "wall time of the turn: 90s, 5m", milliseconds)
  .option(
    "--allow <pattern>",
    "call that needs no approval: server__tool, server.*, server.tool(path=/tmp/*); repeatable",
    append,
  )
  .option("--deny <pattern>", "tool that the model must not see, or call that must not run; repeatable", append)
  .option("--yes", "approve every tool call")
  .option("-a, --attach <file>", "a text or an image that goes with the prompt; repeatable", append)
  .action((argument: string | undefined, { prompt = argument, ...options }: RunOptions) =>
    isClaudePipe(options, prompt)
      ? runPipe(program.opts<GlobalOptions>(), options, turnOptions(options), version)
      : runOnce(prompt, options),
  );
addClaudeOptions(run);

program
  .command("serve")
  .description("HTTP and WebSocket: OpenAI-compatible API, /ws/chat, sessions and servers")
  .option("--port <n>", "port; 0: any that is free", wholeNumber)
  .option("--host <address>", "address to listen on; any other than a loopback one needs a token")
  .option(
    "--token <token>",
    "what callers have to send; better in MCP_PLATFORM_SERVE__TOKEN, where no process list shows it",
    longToken,
  )
  .action(async (flags: { port?: number; host?: string; token?: string }) => {
    const { runServe } = await import("./frontends/http/serve.js");
    return open(
      (parts, { config: { serve, llm, chat, mcpServe }, hub: { passage }, notices }) => {
        for (const notice of notices) stderr.write(`${notice}\n`);
        const mcp = { serve: mcpServe, said: {}, defaults: chat.service, passage };
        const options = { ...serve, ...flags, version, models: modelNames(llm), mcp };
        return runServe(parts, options, { stderr, onInterrupt });
      },
      { followsFiles: true },
    );
  });
addProtocolCommands(program, version);

const config = program.command("config").description("show, check or start a configuration");
config
  .command("show")
  .description("the configuration in effect, without its secrets")
  .option("--origin", "with the place that each value comes from")
  .action(async (options: { origin?: boolean }) =>
    print((await import("./config/commands.js")).showConfig(await load(program.opts<GlobalOptions>()), options)),
  );
config
  .command("validate")
  .description("exit code 2 and one line for each mistake")
  .action(async () =>
    print((await import("./config/commands.js")).validText(await load(program.opts<GlobalOptions>()))),
  );
config
  .command("schema")
  .description("the JSON Schema, for editors")
  .action(async () => print((await import("./config/commands.js")).schemaText()));
config
  .command("init")
  .description("a commented config.yaml to start from, on stdout")
  .action(async () => print((await import("./config/commands.js")).initText()));

addServerCommands(program);
addApprovalCommands(program);
addConversationCommands(program);

guardStreams();
try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) leave(error.exitCode === 0 ? exitCodes.done : exitCodes.usage);
  const { kind, message, hint } = errorInfo(error);
  stderr.write(`${kind === "config" ? "" : "error: "}${message}\n${hint ? `hint: ${hint}\n` : ""}`);
  leave(exitCodeOfError({ kind, message, hint, retryable: false }));
}

function open(door: (parts: DoorParts, app: App) => Promise<number>, options?: DoorOptions): Promise<void> {
  return openDoor(program.opts<GlobalOptions>(), door, options);
}

async function runOnce(prompt: string | undefined, options: RunOptions): Promise<void> {
  const text = await readPrompt(prompt, { stdin, stderr });
  const attached = await attachedParts(options.attach);
  const { runOneshot } = await import("./frontends/oneshot.js");
  return open((parts, { config: { chat }, notices }) => {
    for (const notice of notices) stderr.write(`${notice}\n`);
    const { conversation: conversationId, requestId, interrupt, outputFormat: format = "text" } = options;
    const { toolNotifications } = chat.service;
    const outputFormat = format === "claude-stream-json" ? claudeOptions(options, chat.service, version) : format;
    const given = {
      ...turnOptions(options),
      requestId,
      interrupt,
      content: [{ type: "text" as const, text }, ...attached],
      outputFormat,
      conversationId,
      toolNotifications,
    };
    return runOneshot(parts, given, { stdout, stderr, onInterrupt });
  });
}

function turnOptions({ model, system, maxToolHops, allow, deny, timeout, yes, stream }: RunOptions) {
  const approval = yes ? ("auto" as const) : undefined;
  const streaming = stream === false ? false : undefined; // commander's default of a --no- option is true
  return { model, system, maxToolHops, allow, deny, timeoutMs: timeout, approval, streaming };
}

async function attachedParts(files: readonly string[] = []): Promise<ContentPart[]> {
  const { attachFile } = await import("./frontends/attachments.js");
  const attachments = await Promise.all(files.map((file) => attachFile(file, process.cwd())));
  return attachments.flatMap(({ parts }) => parts);
}

function modelNames({ providers }: LlmConfig): string[] {
  return Object.entries(providers).flatMap(([name, { model }]) => (model ? [`${name}/${model}`] : []));
}

function append(value: string, all: string[] = []): string[] {
  return [...all, value];
}

function wholeNumber(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError("a whole number is expected");
}

/** As the schema of the configuration has it. */
function longToken(text: string): string {
  if (text.length >= 16) return text;
  throw new InvalidArgumentError("a token has at least 16 characters");
}

function milliseconds(text: string): number {
  const parsed = parseDuration(text);
  if (parsed !== undefined) return parsed;
  throw new InvalidArgumentError("a duration like 90s or 5m is expected");
}
