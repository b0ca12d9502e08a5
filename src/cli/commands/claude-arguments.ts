/** Translates Claude Code's command line, as the SDK of Claude Code writes it, into the arguments of `mcp-platform`. */

import { parseArgs } from "node:util";
import { messageOf, RequestError } from "../../core/errors.js";
import { addAll } from "../../core/lists/long-lists.js";

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;

const meant = {
  print: { ...flag, short: "p" },
  "input-format": text,
  "output-format": text,
  "include-partial-messages": flag,
  "replay-user-messages": flag,
  "permission-prompt-tool": text,
  "permission-mode": text,
  model: text,
  "system-prompt": text,
  "max-turns": text,
  resume: { ...text, short: "r" },
  "session-id": text,
  allowedTools: { ...text, multiple: true },
  disallowedTools: { ...text, multiple: true },
  "mcp-config": text,
} as const;

/** Flags that are accepted but ignored. No program relies on their effect. */
const needless = {
  "await-initialize": flag,
  "initialize-fields": text,
  verbose: flag,
  debug: flag,
  "debug-file": text,
  "allow-dangerously-skip-permissions": flag,
  "setting-sources": text,
  "project-config-root": text,
  "include-hook-events": flag,
  "session-mirror": flag,
  tools: text,
  thinking: text,
  "thinking-display": text,
  "max-thinking-tokens": text,
  effort: text,
  betas: text,
  "add-dir": { ...text, multiple: true },
} as const;

/**
 * Flags that end in an error, because programs rely on their effect and this host does not support it: limits, the shape of the answer, the
 * choice of servers or conversation.
 */
const refused = [
  "agent",
  "continue",
  "fork-session",
  "json-schema",
  "max-budget-usd",
  "no-session-persistence",
  "resume-drops-turn",
  "resume-session-at",
  "strict-mcp-config",
];

/**
 * Permission modes that all do the same here: the host asks whenever a tool needs approval. In Claude Code they differ only in which
 * built-in tools run without a question.
 */
const askingModes = ["default", "acceptEdits", "auto", "manual"];

interface ArgumentEffects {
  /** Writes a text to a file and returns its path. */
  keep(text: string): string;
  /** Prints a warning that names arguments without effect. */
  warn(text: string): void;
}

/**
 * Returns the arguments for `mcp-platform`. Drops unknown flags with a warning, because each release of the SDK adds flags. Throws
 * RequestError for an unsupported flag if programs rely on its effect.
 */
export function ownArguments(args: readonly string[], { keep, warn }: ArgumentEffects): string[] {
  if (args.length === 1 && (args[0] === "--version" || args[0] === "-v")) return ["--version"];
  const { known, unknown } = sorted(args);
  const relied = unknown.find((name) => refused.includes(name));
  if (relied) throw mistake(`--${relied}`);
  const { values, positionals } = parse(known);
  const mode = values["permission-mode"] ?? "default";
  if (mode === "plan") throw mistake(`--permission-mode ${mode}`);
  const isKnownMode = [...askingModes, "dontAsk", "bypassPermissions"].includes(mode);
  const odd = [...unknown.map((name) => `--${name}`), ...(isKnownMode ? [] : [`--permission-mode ${mode}`])];
  if (odd.length > 0) warn(`without effect here, of Claude Code's command line: ${odd.join(", ")}`);
  // With `stream-json` input, prompts come on stdin. A positional argument is then not a prompt but a stray word after a flag that takes no
  // value, so it is dropped.
  const prompt = values["input-format"] === "stream-json" ? [] : positionals;
  const asks = mode !== "dontAsk" && values["permission-prompt-tool"];
  const model = values.model === "default" ? undefined : values.model;
  const mcp = values["mcp-config"];
  const pairs: [name: string, value: string | undefined][] = [
    ["--mcp-config", mcp?.trimStart().startsWith("{") ? keep(mcp) : mcp],
    ["--input-format", formatOf(values["input-format"])],
    ["--output-format", formatOf(values["output-format"])],
    ["--permission-prompt-tool", asks || undefined],
    ["--model", model],
    ["--system", values["system-prompt"]],
    ["--max-tool-hops", values["max-turns"]],
    ["--conversation", values.resume ?? values["session-id"]],
    ...toolsOf(values.allowedTools).map((tool): [string, string] => ["--allow", tool]),
    ...toolsOf(values.disallowedTools).map((tool): [string, string] => ["--deny", tool]),
  ];
  return [
    "run",
    ...pairs.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`])),
    ...(values["include-partial-messages"] ? ["--include-partial-messages"] : []),
    ...(values["replay-user-messages"] ? ["--replay-user-messages"] : []),
    ...(mode === "bypassPermissions" ? ["--yes"] : []),
    ...(prompt.length > 0 ? ["--", ...prompt] : []),
  ];
}

const options = { ...meant, ...needless };

/** Separates known flags from unknown ones. A word after an unknown flag counts as the value of that flag. */
function sorted(args: readonly string[]): { known: string[]; unknown: string[] } {
  const { tokens } = parseArgs({ args: [...args], options, allowPositionals: true, strict: false, tokens: true });
  const known: string[] = [];
  const unknown: string[] = [];
  let valueAt = -1;
  for (const token of tokens) {
    if (token.kind === "option-terminator") known.push("--");
    else if (token.kind === "positional") addAll(known, token.index === valueAt ? [] : [token.value]);
    else if (!Object.hasOwn(options, token.name)) {
      unknown.push(token.name);
      if (token.value === undefined) valueAt = token.index + 1;
    } else {
      const isFlag = options[token.name as keyof typeof options].type === "boolean";
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

function formatOf(format: string | undefined): string | undefined {
  return format === "stream-json" ? "claude-stream-json" : format;
}

/** Returns the tools that belong to MCP servers. Claude Code's built-in tools do not exist in this host. */
function toolsOf(lists: readonly string[] = []): string[] {
  return lists.flatMap((list) => list.split(",")).filter((tool) => tool.includes("__"));
}

function mistake(what: string, cause?: unknown): RequestError {
  const hint = "see docs/json-lines.md, Claude Code's stream-json";
  return new RequestError("usage", `not supported with Claude Code's command line: ${what}`, { cause, hint });
}
