/** Names that are remembered beyond the offered ones: a server may change its names all the time. */
const mostAbsent = 1000;

interface Ordered {
  readonly name: string;
}

/**
 * The order in which models see tools: until the first turn, that of the configuration. Afterwards a tool keeps its position, even while
 * its server is away, and a new one comes last. Another order would change the start of every next request, and so miss the providers'
 * prompt caches.
 */
export class ToolOrder {
  #places: Map<string, number> | undefined;

  /** Fixes the order at the start of a turn. */
  begin(tools: readonly Ordered[]): void {
    this.#places ??= new Map();
    this.#note(tools);
  }

  /** Sorts the tools, and gives new ones a position. */
  sorted<Tool extends Ordered>(tools: readonly Tool[]): Tool[] {
    const places = this.#places;
    if (!places) return [...tools];
    const placeOf = ({ name }: Ordered) => places.get(name) ?? Number.MAX_SAFE_INTEGER;
    const sorted = [...tools].sort((a, b) => placeOf(a) - placeOf(b));
    this.#note(sorted);
    return sorted;
  }

  #note(tools: readonly Ordered[]): void {
    const places = this.#places;
    if (!places) return;
    if (places.size > tools.length + mostAbsent) places.clear();
    for (const { name } of tools) if (!places.has(name)) places.set(name, places.size);
  }
}
