/** Reads settings of Claude Code, as the flags `--settings` and `--managed-settings` give them. */

import { asObject, isPlainObject, parseJson } from "../../core/json.js";
import { decidingHook } from "../../doors/claude/claude-input.js";

interface ForbiddingSettings {
  /** Rules about tools, as in `--disallowedTools`. */
  deny: string[];
  /** A restriction for which this host has no counterpart. Settings that are no JSON object may contain any. */
  unsupported?: string | undefined;
}

/** `given`: the settings as JSON, or the path of a file with them, which `read` reads. */
export function readSettings(given: string, read: (path: string) => string): ForbiddingSettings {
  const settings = parseJson(given.trimStart().startsWith("{") ? given : read(given));
  if (!isPlainObject(settings)) return { deny: [], unsupported: "no JSON object" };
  const { hooks, sandbox, deniedMcpServers, allowedMcpServers } = settings;
  const { deny, ask, defaultMode, disableBypassPermissionsMode } = asObject(settings.permissions) ?? {};
  const restrictions = {
    "permissions.ask": ask,
    [`permissions.defaultMode ${defaultMode}`]: defaultMode === "plan" || defaultMode === "dontAsk",
    "permissions.disableBypassPermissionsMode": disableBypassPermissionsMode,
    "sandbox.enabled": asObject(sandbox)?.enabled,
    deniedMcpServers,
    // An empty list allows no server.
    allowedMcpServers: allowedMcpServers !== undefined,
  };
  const [restriction] = Object.entries(restrictions).find(([, value]) => isSet(value)) ?? [];
  return { deny: Array.isArray(deny) ? deny.map(String) : [], unsupported: restriction ?? decidingHook(hooks) };
}

function isSet(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}
