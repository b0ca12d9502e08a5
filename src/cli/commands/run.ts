/** `run`: takes one prompt and prints one answer, or runs session files. */

import { readFile } from "node:fs/promises";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { ServiceConfig } from "../../core/config.js";
import { messageOf, RequestError } from "../../core/errors.js";
import { isPlainObject, jsonProblem, parseJson } from "../../core/json.js";
import type { ContentPart, OutputFormat } from "../../core/messages.js";
import type { DoorParts } from "../../doors/shared/door.js";
import { readPrompt } from "../../doors/shared/piped-text.js";
import type { App } from "../../host/app.js";
import type { GlobalOptions } from "../shared/configuration.js";
import { appended, milliseconds, modelFlag, wholeNumber } from "../shared/flags.js";
import { openDoor } from "../shared/open-door.js";
import { onInterrupt, tell } from "../shared/process.js";
import { addScriptOptions, areScripts, refuseStrayFlags, type ScriptFlags } from "./script-flags.js";

export interface RunFlags {
  outputFormat?: "text" | "json" | "stream-json";
  continue?: boolean;
  conversation?: string;
  requestId?: string;
  interrupt?: boolean;
  yes?: boolean;
  ask?: boolean;
  attach?: string[];
  jsonSchema?: string;
  prompt?: string;
  model?: string;
  system?: string;
  appendSystem?: string;
  endsWithProcess?: boolean;
  stream?: boolean;
  maxToolHops?: number;
  timeout?: number;
  allow?: string[];
  deny?: string[];
}

const { stdin, stdout, stderr } = process;
const formats = ["text", "json", "stream-json"] as const;
const claudeCode = "programs made for Claude Code use this host through ANTHROPIC_BASE_URL and `mcp-platform serve`";

export function addRunCommand(program: Command): void {
  const run = program
    .command("run")
    .description("send one prompt and print the answer on stdout, everything else on stderr; or run session files")
    .argument(
      "[prompt...]",
      "the prompt, or - for a prompt from stdin (piped text is put before the prompt); or *.session.yaml files",
    );
  addScriptOptions(addPromptOptions(run)).action((words: string[], flags: RunFlags & ScriptFlags, command: Command) =>
    runWords(program.opts<GlobalOptions>(), words, flags, command),
  );
}

/** Adds the options of a prompt that is answered once. */
export function addPromptOptions(command: Command): Command {
  return command
    .option("-p, --prompt <text>", "the prompt, instead of the argument")
    .option(...modelFlag)
    .option("-s, --system <text>", "system prompt instead of the configured one")
    .option("--append-system <text>", "text to append to the system prompt")
    .option("--no-stream", "ask the provider for the whole answer at once")
    .option("-c, --continue", "continue the last conversation")
    .addOption(new Option("--conversation <id>", "continue this conversation").conflicts("continue"))
    .option("--request-id <id>", "idempotency key: the same id in the same conversation is answered once")
    .option("--interrupt", "cancel the running turn of the conversation instead of waiting for it")
    .option("--ends-with-process", "cancel the turn when this process ends, so that no other host continues it")
    .option("--max-tool-hops <n>", "maximum number of model requests with tools", wholeNumber)
    .option("--timeout <duration>", "maximum time of the turn, such as 90s or 5m", milliseconds)
    .option(
      "--allow <pattern>",
      "run calls that match without approval: server__tool, server.*, server.tool(path=/tmp/*); repeatable",
      appended,
    )
    .option("--deny <pattern>", "hide the tool from the model, or never run calls that match; repeatable", appended)
    .option(
      "--json-schema <file>",
      "ask for JSON that fits this JSON Schema, check it, and print nothing else on stdout",
    )
    .option("--yes", "approve every tool call")
    .option("--ask", "approve only calls that a rule allows, also with chat.service.approval: auto")
    .option("-a, --attach <file>", "attach this text or image to the prompt; repeatable", appended)
    .addOption(
      new Option("--output-format <format>", `format of stdout: ${formats.join(", ")} (default: text)`).argParser(
        outputFormat,
      ),
    )
    .addOption(new Option("--input-format <format>").hideHelp().argParser(inputFormat));
}

/** Answers the prompt, or runs the session files that the words name. */
export async function runWords(
  globals: GlobalOptions,
  words: string[],
  { prompt = words[0], ...flags }: RunFlags & ScriptFlags,
  command: Command,
): Promise<void> {
  const isForScripts = areScripts(words);
  refuseStrayFlags(command, isForScripts);
  if (isForScripts) return (await import("./run-scripts.js")).runScripts(words, flags, globals);
  if (words.length > 1) command.error(`error: one prompt is expected, in quotes; got ${words.length}`);
  return runOnce(globals, prompt, flags);
}

export async function runOnce(globals: GlobalOptions, prompt: string | undefined, flags: RunFlags): Promise<void> {
  const isAttached = flags.attach !== undefined;
  const text = await readPrompt(prompt, { stdin, stderr, withinMs: flags.timeout, isAttached });
  const attached = await attachedParts(flags.attach);
  const output = flags.jsonSchema === undefined ? undefined : await outputOf(flags.jsonSchema);
  const { runOneshot } = await import("../../doors/oneshot/oneshot.js");
  const { endsWithProcess } = flags;
  const door = async (parts: DoorParts, { config: { chat }, notices }: App) => {
    tell(notices);
    const { requestId, interrupt, outputFormat = "text" } = flags;
    const conversationId = flags.continue ? await lastConversation(parts) : flags.conversation;
    const { toolNotifications } = chat.service;
    const given = {
      ...turnOptions(flags, chat.service),
      endsWithCaller: endsWithProcess,
      requestId,
      interrupt,
      output,
      content: [{ type: "text" as const, text }, ...attached],
      outputFormat,
      conversationId,
      toolNotifications,
    };
    return runOneshot(parts, given, { stdout, stderr, onInterrupt });
  };
  return openDoor(globals, door, { cancelsOnTerm: endsWithProcess });
}

/** Resolves with the id of the conversation that changed last. Undefined if there is none. */
export async function lastConversation({ sessions }: Pick<DoorParts, "sessions">): Promise<string | undefined> {
  return (await sessions.list({ most: 1 })).conversations[0]?.conversationId;
}

function outputFormat(value: string): (typeof formats)[number] {
  const format = formats.find((name) => name === value);
  if (format) return format;
  const advice = value.startsWith("claude-") ? `: ${claudeCode}` : "";
  throw new InvalidArgumentError(`Allowed choices are ${formats.join(", ")}${advice}.`);
}

function inputFormat(value: string): "text" {
  if (value === "text") return value;
  throw new InvalidArgumentError(`Prompts come as text; for many, use \`mcp-platform stdio\`. And ${claudeCode}.`);
}

function turnOptions(flags: RunFlags, service: ServiceConfig) {
  const { model, appendSystem, maxToolHops, allow, deny, timeout, stream } = flags;
  const approval = approvalOf(flags);
  const system = appendSystem ? `${flags.system ?? service.systemPrompt}\n\n${appendSystem}` : flags.system;
  const streaming = stream === false ? false : undefined; // commander sets a `--no-` option to true by default
  return { model, system, maxToolHops, allow, deny, timeoutMs: timeout, approval, streaming };
}

/** Returns the approval mode that the flags choose. Throws RequestError if they contradict each other. */
function approvalOf({ yes, ask }: RunFlags): "auto" | "ask" | undefined {
  if (yes && ask) throw new RequestError("usage", "--yes and --ask contradict each other");
  if (yes) return "auto";
  return ask ? "ask" : undefined;
}

/** Reads the schema of the answer from a file. Throws RequestError if the file holds no usable schema. */
async function outputOf(file: string): Promise<OutputFormat> {
  const { checkSchema } = await import("../../core/schemas/caller-schemas.js");
  const usage = (problem: string) => new RequestError("usage", `--json-schema ${file}: ${problem}`);
  const text = await readFile(file, "utf8").catch((error: unknown) => Promise.reject(usage(messageOf(error))));
  const jsonSchema = parseJson(text);
  if (jsonSchema === undefined) throw usage(jsonProblem(text) ?? "");
  if (!isPlainObject(jsonSchema)) throw usage("a JSON Schema must be a JSON object");
  const problem = await checkSchema(jsonSchema);
  if (problem !== undefined) throw usage(problem);
  return { jsonSchema };
}

async function attachedParts(files: readonly string[] = []): Promise<ContentPart[]> {
  const { attachFile } = await import("../../doors/shared/attachments.js");
  const attachments = await Promise.all(files.map((file) => attachFile(file, process.cwd())));
  return attachments.flatMap(({ parts }) => parts);
}
