/** The kinds of changes to `mcpServers` in a configuration file. */
import type { JsonObject } from "../../core/json.js";

/** A change to one server. `set` adds the entry, or replaces the existing entry as a whole. */
export type ServerEdit =
  | { kind: "set"; name: string; entry: JsonObject }
  | { kind: "remove"; name: string }
  | { kind: "enable"; name: string; enabled: boolean };

/**
 * Returns the key and the value that enable or disable a server: `enabled`, or `disabled` if the entry already has that key. Returns `{}`
 * if a server without these keys is to be enabled, because servers are enabled by default.
 */
export function switchOf(entry: JsonObject, enabled: boolean): JsonObject {
  if (Object.hasOwn(entry, "enabled")) return { enabled };
  if (Object.hasOwn(entry, "disabled")) return { disabled: !enabled };
  return enabled ? {} : { enabled };
}
