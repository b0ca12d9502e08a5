/** The kinds of changes to `mcpServers` in a configuration file. */
import type { JsonObject } from "../../core/json.js";

/** A change of one server. `set` writes the whole entry and replaces an existing one. `comments` are written with it. */
export type ServerEdit =
  | { kind: "set"; name: string; entry: JsonObject; comments?: EntryComments }
  | { kind: "remove"; name: string }
  | { kind: "enable"; name: string; enabled: boolean };

export interface EntryComments {
  above: readonly string[];
  keys: ReadonlyMap<string, readonly string[]>;
}

/** Returns the key that enables or disables a server, with its new value: `enabled`, or `disabled` if the entry uses that key. */
export function switchOf(entry: JsonObject, enabled: boolean): JsonObject {
  if (Object.hasOwn(entry, "enabled")) return { enabled };
  if (Object.hasOwn(entry, "disabled")) return { disabled: !enabled };
  return enabled ? {} : { enabled };
}
