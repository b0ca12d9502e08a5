/** Changes of `mcpServers` in a configuration file. */
import type { Mapping } from "../core/tree.js";

/** A change of one server. `set` writes the whole entry, replacing an existing one; its keys may have comments. */
export type ServerEdit =
  | { kind: "set"; name: string; entry: Mapping; comments?: EntryComments }
  | { kind: "remove"; name: string }
  | { kind: "enable"; name: string; enabled: boolean };

export interface EntryComments {
  above: readonly string[];
  keys: ReadonlyMap<string, readonly string[]>;
}

/** Returns the key that switches a server on or off, with its new value: our key, or the one of other hosts. */
export function switchOf(entry: Mapping, enabled: boolean): Mapping {
  if (Object.hasOwn(entry, "enabled")) return { enabled };
  if (Object.hasOwn(entry, "disabled")) return { disabled: !enabled };
  return enabled ? {} : { enabled };
}
