/** Reads settings of Claude Code, as the flags `--settings` and `--managed-settings` give them. */

import { asObject, isPlainObject, parseJson } from "../../core/json.js";
import { refusedSetting } from "../../doors/claude/supported-options.js";

export interface ClaudeSettings {
  /** Rules about tools, as in `--disallowedTools`. */
  deny: string[];
  /** True if a call that needs approval is to be denied, as with `--permission-prompts none`. */
  deniesPrompts: boolean;
  /** A restriction for which this host has no counterpart. Settings that are no JSON object may contain any. */
  unsupported?: string | undefined;
}

/** `given`: the settings as JSON, or the path of a file with them, which `read` reads. */
export function readSettings(given: string, read: (path: string) => string): ClaudeSettings {
  const settings = parseJson(given.trimStart().startsWith("{") ? given : read(given));
  if (!isPlainObject(settings)) return { deny: [], deniesPrompts: false, unsupported: "no JSON object" };
  const permissions = settings.permissions ?? {};
  const deny = asObject(permissions)?.deny ?? [];
  return {
    deny: isTexts(deny) ? deny : [],
    deniesPrompts: Boolean(asObject(permissions)?.denyInsteadOfPrompting),
    unsupported: formMistake(permissions, deny) ?? refusedSetting(settings),
  };
}

/** Returns what has a form in which its rules cannot be read. */
function formMistake(permissions: unknown, deny: unknown): string | undefined {
  if (!isPlainObject(permissions)) return "permissions that are no mapping";
  return isTexts(deny) ? undefined : "permissions.deny that is no list of texts";
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
