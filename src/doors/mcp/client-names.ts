import type { McpServeConfig } from "../../core/config.js";

interface ClientNamed {
  name: string;
  /** Name of the item at its server. */
  own: string;
}

/**
 * Returns the items by the names that MCP clients see. With `plainNames` an item keeps its own name if no other item has that name, neither as its
 * own nor with the server's name before it: no server can take a name that a client uses for another one. `taken`: names that are not free.
 */
export function byClientName<Item extends ClientNamed>(
  items: readonly Item[],
  { plainNames }: Pick<McpServeConfig, "plainNames">,
  taken: readonly string[] = [],
): Map<string, Item> {
  const counts = new Map<string, number>([...taken, ...items.map(({ name }) => name)].map((name) => [name, 1]));
  for (const { own } of items) counts.set(own, (counts.get(own) ?? 0) + 1);
  return new Map(items.map((item) => [plainNames && counts.get(item.own) === 1 ? item.own : item.name, item]));
}
