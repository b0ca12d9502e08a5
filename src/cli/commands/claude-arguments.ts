/** Translates Claude Code's command line, as the SDK of Claude Code writes it, into the arguments of `mcp-platform`. */

import { parseArgs } from "node:util";
import type { Environment } from "../../core/environment.js";
import { messageOf, RequestError } from "../../core/errors.js";
import { addAll } from "../../core/lists/long-lists.js";
import {
  askingModes,
  honouredArguments,
  ignoredArguments,
  refusedArguments,
  refusedVariables,
} from "../../doors/claude/supported-options.js";
import { forbiddenBesides, readToolRules } from "../../doors/claude/tool-rules.js";
import { type ClaudeSettings, readSettings } from "./claude-settings.js";

/** Commands of Claude Code. As the first word, they would otherwise be a prompt. */
const commands = ["config", "doctor", "install", "mcp", "plugin", "setup-token", "update"];

interface ArgumentEffects {
  env: Environment;
  /** Writes a text to a file and returns its path. */
  keep(text: string): string;
  /** Returns the text of a file. Throws if the file cannot be read. */
  read(path: string): string;
  /** Prints a warning that names arguments without effect. */
  warn(text: string): void;
}

interface RestrictingSettings extends ClaudeSettings {
  /** The argument that gives the settings, for errors. */
  from: string;
}

/**
 * Returns the arguments for `mcp-platform`. Drops unknown flags with a warning, because each release of the SDK adds flags. Throws
 * RequestError for an unsupported flag if programs rely on its effect.
 */
export function ownArguments(args: readonly string[], { env, keep, read, warn }: ArgumentEffects): string[] {
  if (args.length === 1 && (args[0] === "--version" || args[0] === "-v")) return ["--version"];
  if (args[0] !== undefined && commands.includes(args[0])) throw mistake(args[0]);
  const variable = refusedVariables.find((name) => isSwitchedOn(env[name]));
  if (variable !== undefined) throw mistake(`the variable ${variable}`);
  const { known, unknown } = sorted(args);
  const refusedFlag = unknown.find((name) => refusedArguments.includes(name));
  if (refusedFlag !== undefined) throw mistake(flagText(refusedFlag));
  const { values, positionals } = parse(known);
  const mode = values["dangerously-skip-permissions"] ? "bypassPermissions" : (values["permission-mode"] ?? "default");
  if (mode === "plan") throw mistake(`--permission-mode ${mode}`);
  // Claude Code then prints a list of all messages instead of the result.
  if (values.verbose && values["output-format"] === "json") throw mistake("--output-format json with --verbose");
  const isKnownMode = [...askingModes, "dontAsk", "bypassPermissions"].includes(mode);
  const settings = [settingsOf("settings", values, read), settingsOf("managed-settings", values, read)];
  const forbidden = forbiddenPatterns(values, settings);
  const allowed = readToolRules(both(values.allowedTools, values["allowed-tools"]), "allow");
  const [mcp, ...moreMcp] = values["mcp-config"] ?? [];
  if (moreMcp.length > 0) throw mistake("more than one --mcp-config");
  const odd = [
    ...unknown.map(flagText),
    ...(isKnownMode ? [] : [`--permission-mode ${mode}`]),
    ...allowed.untranslated.map((rule) => `--allowedTools ${rule}`),
  ];
  if (odd.length > 0) warn(`without effect here, of Claude Code's command line: ${odd.join(", ")}`);
  // With `stream-json` input, prompts come on stdin. A positional argument is then not a prompt but a stray word after a flag that takes no
  // value, so it is dropped.
  const prompt = values["input-format"] === "stream-json" ? [] : positionals;
  const denies = mode === "dontAsk" || hasNoPrompts(values) || settings.some((found) => found.deniesPrompts);
  const asks = !denies && values["permission-prompt-tool"];
  // A program with a prompt tool, or that wants a no in place of each prompt, relies on the mode, so the mode counts instead of the
  // configuration's. So does a mode that is not known, because it may permit less. Otherwise `default` is only what the SDK passes.
  const isStrict = mode !== "bypassPermissions" && (denies || asks || !isKnownMode);
  const model = values.model === "default" ? undefined : values.model;
  const pairs: [name: string, value: string | undefined][] = [
    ["--mcp-config", mcp?.trimStart().startsWith("{") ? keep(mcp) : mcp],
    ["--input-format", formatOf(values["input-format"])],
    ["--output-format", formatOf(values["output-format"])],
    ["--permission-prompt-tool", asks || undefined],
    ["--model", model],
    ["--system", promptText("system-prompt", values, read)],
    ["--append-system", promptText("append-system-prompt", values, read)],
    ["--max-tool-hops", values["max-turns"]],
    ["--conversation", values.resume ?? values["session-id"]],
    ...allowed.patterns.map((tool): [string, string] => ["--allow", tool]),
    ...forbidden.map((tool): [string, string] => ["--deny", tool]),
  ];
  return [
    "run",
    ...pairs.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`])),
    ...(values["include-partial-messages"] ? ["--include-partial-messages"] : []),
    ...(values["replay-user-messages"] ? ["--replay-user-messages"] : []),
    ...(mode === "bypassPermissions" ? ["--yes"] : []),
    ...(isStrict ? ["--ask"] : []),
    ...(values["input-format"] === "stream-json" ? [] : ["--ends-with-process"]),
    ...(prompt.length > 0 ? ["--", ...prompt] : []),
  ];
}

const options = { ...honouredArguments, ...ignoredArguments };

/** Returns true for the values of a variable that Claude Code takes as "on". */
function isSwitchedOn(value = ""): boolean {
  return ["1", "true", "yes", "on"].includes(value.trim().toLowerCase());
}

/**
 * Separates known flags from unknown ones. A word after an unknown flag counts as the value of that flag. After a list, each word counts as
 * one more value of the list. Throws RequestError for a value of an honoured flag that takes none: `--NAME=false` would count as `--NAME`.
 */
function sorted(args: readonly string[]): { known: string[]; unknown: string[] } {
  const { tokens } = parseArgs({ args: [...args], options, allowPositionals: true, strict: false, tokens: true });
  const known: string[] = [];
  const unknown: string[] = [];
  let valueAt = -1;
  let openList: string | undefined;
  for (const token of tokens) {
    if (token.kind === "positional") {
      const word = openList === undefined ? token.value : `--${openList}=${token.value}`;
      addAll(known, token.index === valueAt ? [] : [word]);
      continue;
    }
    openList = undefined;
    if (token.kind === "option-terminator") known.push("--");
    else if (!Object.hasOwn(options, token.name)) {
      unknown.push(token.name);
      if (token.value === undefined) valueAt = token.index + 1;
    } else {
      const option = options[token.name as keyof typeof options];
      const isFlag = option.type === "boolean";
      if (isFlag && token.value !== undefined && Object.hasOwn(honouredArguments, token.name))
        throw mistake(`${flagText(token.name)}=${token.value}`);
      if ("multiple" in option && token.inlineValue === false) openList = token.name;
      known.push(token.value === undefined || isFlag ? `--${token.name}` : `--${token.name}=${token.value}`);
    }
  }
  return { known, unknown };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw mistake(messageOf(error).replace(/\. .*/s, ""), error);
  }
}

const flagText = (name: string) => `${name.length > 1 ? "--" : "-"}${name}`;

type Values = ReturnType<typeof parse>["values"];

/** Returns true if the program wants every call that needs approval to be denied. */
function hasNoPrompts(values: Values): boolean {
  const answerer = values["permission-prompts"] ?? "host";
  if (answerer !== "host" && answerer !== "none") throw mistake(`--permission-prompts ${answerer}`);
  return answerer === "none";
}

/** Returns the patterns of all tools that the command line forbids: by rules, by settings, and by the list of built-in tools. */
function forbiddenPatterns(values: Values, settings: readonly RestrictingSettings[]): string[] {
  return [
    ...forbiddenBesides(values.tools),
    ...forbiddenBy("--disallowedTools", both(values.disallowedTools, values["disallowed-tools"])),
    ...settings.flatMap(({ from, deny }) => forbiddenBy(from, deny)),
  ];
}

/** Returns the prompt that the flag gives, followed by that of the file which `--NAME-file` names. Undefined if there is neither. */
function promptText(
  name: "system-prompt" | "append-system-prompt",
  values: Values,
  read: ArgumentEffects["read"],
): string | undefined {
  const file = values[`${name}-file`];
  const ofFile = file === undefined ? undefined : textOf(`--${name}-file`, file, read);
  return [values[name], ofFile].filter(Boolean).join("\n\n") || undefined;
}

/** Returns the patterns of tools that these rules forbid. `from`: where the rules stand, for errors. */
function forbiddenBy(from: string, rules: readonly string[]): string[] {
  const { patterns, untranslated } = readToolRules(rules, "forbid");
  if (untranslated[0] !== undefined) throw mistake(`${from} ${untranslated[0]}`);
  return patterns;
}

function settingsOf(
  name: "settings" | "managed-settings",
  values: Values,
  read: ArgumentEffects["read"],
): RestrictingSettings {
  const from = `--${name}`;
  const found = readSettings(values[name] ?? "{}", (path) => textOf(from, path, read));
  if (found.unsupported !== undefined) throw mistake(`${from} with ${found.unsupported}`);
  return { from, ...found };
}

/** Returns the text of a file that an argument names. */
function textOf(argument: string, path: string, read: ArgumentEffects["read"]): string {
  try {
    return read(path);
  } catch (error) {
    throw mistake(`${argument}: ${messageOf(error)}`, error);
  }
}

function both(one: readonly string[] = [], other: readonly string[] = []): string[] {
  return [...one, ...other];
}

/** Returns this host's name of one of Claude Code's formats. */
function formatOf(format: string | undefined): string | undefined {
  return format === "json" || format === "stream-json" ? `claude-${format}` : format;
}

function mistake(what: string, cause?: unknown): RequestError {
  const hint = "see docs/json-lines.md, Claude Code's stream-json";
  return new RequestError("usage", `not supported with Claude Code's command line: ${what}`, { cause, hint });
}
