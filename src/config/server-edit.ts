/** A change of `mcpServers` in a configuration file. */
import type { Mapping } from "../core/tree.js";

/** `set` makes the whole entry, in the place of one that is there; its keys may have comments. */
export type ServerEdit =
  | { kind: "set"; name: string; entry: Mapping; comments?: EntryComments }
  | { kind: "remove"; name: string }
  | { kind: "enable"; name: string; enabled: boolean };

export interface EntryComments {
  above: readonly string[];
  keys: ReadonlyMap<string, readonly string[]>;
}

/** The key that says whether a server is on, with its new value: its own, or the one that other hosts have. */
export function switchOf(entry: Mapping, enabled: boolean): Mapping {
  if (Object.hasOwn(entry, "enabled")) return { enabled };
  if (Object.hasOwn(entry, "disabled")) return { disabled: !enabled };
  return enabled ? {} : { enabled };
}
