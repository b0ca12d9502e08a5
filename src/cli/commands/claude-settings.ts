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
  const { deny, denyInsteadOfPrompting } = asObject(settings.permissions) ?? {};
  return {
    deny: Array.isArray(deny) ? deny.map(String) : [],
    deniesPrompts: Boolean(denyInsteadOfPrompting),
    unsupported: refusedSetting(settings),
  };
}
