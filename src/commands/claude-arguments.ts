/** Claude Code's command line, as its SDK writes it, in the words of ours. */
import { parseArgs } from "node:util";
import { messageOf, RequestError } from "../core/errors.js";

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;

const meant = {
  print: { ...flag, short: "p" },
  "input-format": text,
  "output-format": text,
  "include-partial-messages": flag,
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

/** Without an effect here that anybody would rely on. */
const ignored = {
  verbose: flag,
  debug: flag,
  "debug-file": text,
  "allow-dangerously-skip-permissions": flag,
  "setting-sources": text,
  tools: text,
  thinking: text,
  "thinking-display": text,
  "max-thinking-tokens": text,
  effort: text,
  betas: text,
  "add-dir": { ...text, multiple: true },
} as const;

/** The arguments of `mcp-platform`. `keep` puts a text into a file and gives its path. Throws RequestError for what there is no word for. */
export function ownArguments(args: readonly string[], keep: (text: string) => string): string[] {
  const { values, positionals } = parse(args);
  const mode = values["permission-mode"] ?? "default";
  if (!["default", "dontAsk", "bypassPermissions"].includes(mode)) throw mistake(`--permission-mode ${mode}`);
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
    ...(mode === "bypassPermissions" ? ["--yes"] : []),
    ...(positionals.length > 0 ? ["--", ...positionals] : []),
  ];
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: { ...meant, ...ignored }, allowPositionals: true });
  } catch (error) {
    throw mistake(messageOf(error).replace(/\. .*/s, ""), error);
  }
}

function formatOf(format: string | undefined): string | undefined {
  return format === "stream-json" ? "claude-stream-json" : format;
}

/** Tools of MCP servers: those that Claude Code brings itself are not here. */
function toolsOf(lists: readonly string[] = []): string[] {
  return lists.flatMap((list) => list.split(",")).filter((tool) => tool.includes("__"));
}

function mistake(what: string, cause?: unknown): RequestError {
  const hint = "see the part of README.md about Claude Code's stream-json";
  return new RequestError("usage", `not supported with Claude Code's command line: ${what}`, { cause, hint });
}
