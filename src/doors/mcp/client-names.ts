import type { McpServeConfig } from "../../core/config.js";

interface ClientNamed {
  name: string;
  /** Name of the item at its server. */
  own: string;
}

export function byClientName<Item extends ClientNamed>(
  items: readonly Item[],
  { plainNames }: Pick<McpServeConfig, "plainNames">,
  taken: readonly string[] = [],
): Map<string, Item> {
  const counts = new Map<string, number>(taken.map((name) => [name, 1]));
  for (const { own } of items) counts.set(own, (counts.get(own) ?? 0) + 1);
  return new Map(items.map((item) => [plainNames && counts.get(item.own) === 1 ? item.own : item.name, item]));
}
