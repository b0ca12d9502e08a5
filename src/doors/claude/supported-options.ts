/**
 * Sorts the options that a program gives Claude Code: arguments of the command line, settings, and fields of the `initialize` request. Each
 * option is in one of three classes:
 *
 * - Honoured: it has its effect here, or one that permits less.
 * - Refused: the program relies on its effect, and this host lacks it. The program gets an error, so that nothing runs which the program
 *   wanted denied, asked about, checked by a hook or sandboxed.
 * - Ignored: it permits something, concerns what this host does not have (built-in tools for files and commands, skills, subagents,
 *   connectors and logins of Claude), or is a matter of comfort.
 *
 * The lists cover `@anthropic-ai/claude-agent-sdk` 0.3.332. An argument in no list is ignored with a warning, because each release of the SDK
 * adds some. Fields and settings in no list are ignored, but settings below `permissions` are refused.
 */

import { asObject, asObjects, isPlainObject, type JsonObject, textOrEmpty } from "../../core/json.js";
import { readToolRules } from "./tool-rules.js";

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;
/** A flag whose value may be several words: all words up to the next flag. */
const list = { type: "string", multiple: true } as const;

export const honouredArguments = {
  print: { ...flag, short: "p" },
  "input-format": text,
  "output-format": text,
  "include-partial-messages": flag,
  "replay-user-messages": flag,
  "permission-prompt-tool": text,
  "permission-prompts": text,
  "permission-mode": text,
  model: text,
  "system-prompt": text,
  "system-prompt-file": text,
  "append-system-prompt": text,
  "append-system-prompt-file": text,
  "dangerously-skip-permissions": flag,
  "max-turns": text,
  resume: { ...text, short: "r" },
  "session-id": text,
  allowedTools: list,
  "allowed-tools": list,
  disallowedTools: list,
  "disallowed-tools": list,
  "mcp-config": list,
  settings: text,
  "managed-settings": text,
  tools: list,
} as const;

/** Arguments that are ignored without a warning. */
export const ignoredArguments = {
  "await-initialize": flag,
  // The fields that it names are in `initialize`, and are honoured or refused there.
  "initialize-fields": text,
  verbose: flag,
  debug: flag,
  "debug-file": text,
  "allow-dangerously-skip-permissions": flag,
  "setting-sources": text,
  "project-config-root": text,
  "include-hook-events": flag,
  "session-mirror": flag,
  "disable-slash-commands": flag,
  thinking: text,
  "thinking-display": text,
  "max-thinking-tokens": text,
  effort: text,
  betas: list,
  "add-dir": list,
} as const;

/** Limits, the shape of the answer, the choice of servers, agents, plugins (which may have hooks that decide), folder or conversation. */
export const refusedArguments: readonly string[] = [
  "agent",
  "agents",
  "bare",
  "c",
  "continue",
  "fork-session",
  "json-schema",
  "managed-settings-in-initialize",
  "max-budget-usd",
  "no-session-persistence",
  "plan-mode-required",
  "plugin-dir",
  "plugin-dir-no-mcp",
  "plugin-url",
  "restricted",
  "resume-drops-turn",
  "resume-session-at",
  "safe-mode",
  "strict-mcp-config",
  "task-budget",
  "w",
  "worktree",
];

/** Variables that mean the same as `--restricted`, `--safe-mode` and `--bare`. */
export const refusedVariables: readonly string[] = [
  "CLAUDE_CODE_RESTRICTED",
  "CLAUDE_CODE_SAFE_MODE",
  "CLAUDE_CODE_SIMPLE",
];

/**
 * Permission modes that all do the same here: the host asks whenever a tool needs approval. In Claude Code they differ only in which
 * built-in tools run without a question.
 */
export const askingModes: readonly string[] = ["default", "acceptEdits", "auto", "manual"];

/**
 * Refused fields of `initialize`, unless they are empty. Honoured are `systemPrompt`, `appendSystemPrompt` and `disallowedTools`, and of
 * `hooks` those that only report.
 */
const refusedFields: readonly string[] = [
  "sdkMcpServers",
  "mcpServers",
  "jsonSchema",
  "agents",
  "plugins",
  "settings",
  "managedSettings",
  // Names MCP tools that no rule may allow.
  "codeRunningMcpTools",
];

/** Returns the name of a field of `initialize` that is refused, if there is one. `field` returns the value of a field. */
export function refusedField(field: (name: string) => unknown): string | undefined {
  return (
    refusedFields.find((name) => isFilled(field(name))) ??
    (redirectsTools(field("toolAliases")) ? "toolAliases" : undefined) ??
    decidingHook(field("hooks"))
  );
}

/** Returns true if the aliases send calls of MCP tools to another tool. Aliases of built-in tools have no effect here. */
function redirectsTools(aliases: unknown): boolean {
  const { patterns, untranslated } = readToolRules(Object.keys(asObject(aliases) ?? {}), "forbid");
  return patterns.length + untranslated.length > 0;
}

/**
 * Hooks by which the client's program decides what runs. A client that sets one of them is refused, because this host calls no hooks. All
 * other hooks, but for some of `PostToolUse`, only report events, and most of these events do not occur in this host.
 */
const deciding = [
  "PreToolUse",
  "PostToolBatch",
  "PermissionRequest",
  "UserPromptSubmit",
  "UserPromptExpansion",
  "PreModelSwitch",
  "Stop",
  "Elicitation",
  "ElicitationResult",
];

/**
 * Returns the name of a hook that decides something, as `hooks.NAME`, if there is one. A hook after a call may change the result that the model
 * reads. It counts if its matcher names MCP tools: without a matcher, programs use it to be told of built-in tools.
 */
function decidingHook(hooks: unknown): string | undefined {
  const decides = (event: string, given: readonly JsonObject[]) =>
    deciding.includes(event)
      ? given.length > 0
      : event === "PostToolUse" && given.some(({ matcher }) => isForMcpTools(textOrEmpty(matcher)));
  const name = Object.entries(asObject(hooks) ?? {}).find(([event, given]) => decides(event, asObjects(given)))?.[0];
  return name && `hooks.${name}`;
}

/** Returns true if the matcher, a regular expression for names such as `mcp__s__t`, names MCP tools. One that matches all tools names none. */
function isForMcpTools(matcher: string): boolean {
  if (["", "*", ".*", ".+"].includes(matcher)) return false;
  if (/mcp|__/i.test(matcher)) return true;
  try {
    return new RegExp(matcher).test("mcp__s__t");
  } catch {
    return false; // no regular expression
  }
}

/** Honoured are `permissions.deny` and `permissions.denyInsteadOfPrompting`. These settings are refused if they have such a value. */
const refusedSettings: Readonly<Record<string, (value: unknown) => boolean>> = {
  // Agents and plugins have tools, prompts and hooks of their own.
  agent: isFilled,
  enabledPlugins: (plugins) => Object.values(asObject(plugins) ?? {}).some(isFilled),
  // Servers. An empty list of those that are allowed allows none.
  allowedMcpServers: isGiven,
  deniedMcpServers: isFilled,
  disableSideloadFlags: isFilled,
  strictPluginOnlyCustomization: isFilled,
  // Where the conversation may be sent.
  allowedProviders: isGiven,
  availableModels: isGiven,
  deniedModels: isFilled,
  // Rules.
  allowManagedPermissionRulesOnly: isFilled,
  "autoMode.hard_deny": isFilled,
  "autoMode.soft_deny": isFilled,
  "permissions.ask": isFilled,
  "permissions.defaultMode": (mode) => isFilled(mode) && ![...askingModes, "bypassPermissions"].includes(String(mode)),
  "permissions.disableBypassPermissionsMode": isFilled,
  "sandbox.enabled": isFilled,
  // Instructions of an organisation.
  claudeMd: isFilled,
};

/** Settings below `permissions` that are honoured or ignored. The ignored ones permit something, or concern the built-in tools for files. */
const harmlessPermissions: readonly string[] = [
  "allow",
  "deny",
  "denyInsteadOfPrompting",
  "additionalDirectories",
  "disableAutoMode",
  "blockReadsOutsideWorkingDirectories",
  "blockFileToolReadsOutsideWorkingDirectories",
  "blockWritesOutsideWorkingDirectories",
  "blockReadsExemptPaths",
  "workingDirectoriesAsGiven",
  "workingDirectoriesExclude",
];

/** Returns the name of a setting that is refused, if there is one. */
export function refusedSetting(settings: JsonObject): string | undefined {
  const settingAt = (path: string) => path.split(".").reduce<unknown>((part, key) => asObject(part)?.[key], settings);
  const isUnknown = (key: string) =>
    !harmlessPermissions.includes(key) && !Object.hasOwn(refusedSettings, `permissions.${key}`);
  const permissions = Object.entries(asObject(settings.permissions) ?? {});
  const unknown = permissions.find(([key, value]) => isUnknown(key) && isFilled(value))?.[0];
  return (
    Object.keys(refusedSettings).find((path) => refusedSettings[path]?.(settingAt(path))) ??
    (unknown === undefined ? undefined : `permissions.${unknown}`) ??
    decidingHook(settings.hooks)
  );
}

/** Returns false for what is empty, switched off or missing. */
function isFilled(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return isPlainObject(value) ? Object.keys(value).length > 0 : Boolean(value);
}

function isGiven(value: unknown): boolean {
  return value !== undefined;
}
