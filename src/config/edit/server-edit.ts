/** The kinds of changes to a configuration file. */
import type { JsonObject } from "../../core/json.js";

/** A change to one server. `set` adds the entry, or replaces the existing entry as a whole. */
export type ServerEdit =
  | { kind: "set"; name: string; entry: JsonObject }
  | { kind: "remove"; name: string }
  | { kind: "enable"; name: string; enabled: boolean };

/** A change to one setting. `put` sets the value at this path, `take` removes it. */
export type SettingEdit =
  | { kind: "put"; path: readonly string[]; value: unknown }
  | { kind: "take"; path: readonly string[] };

export type ConfigEdit = ServerEdit | SettingEdit;

/** Returns the keys that lead to what the edit changes. */
export function pathOf(edit: ConfigEdit): readonly string[] {
  return "path" in edit ? edit.path : ["mcpServers", edit.name];
}

/**
 * Returns the key and the value that enable or disable a server: `enabled`, or `disabled` if the entry already has that key. Returns `{}`
 * if a server without these keys is to be enabled, because servers are enabled by default.
 */
export function switchOf(entry: JsonObject, enabled: boolean): JsonObject {
  if (Object.hasOwn(entry, "enabled")) return { enabled };
  if (Object.hasOwn(entry, "disabled")) return { disabled: !enabled };
  return enabled ? {} : { enabled };
}
