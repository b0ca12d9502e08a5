/**
 * Maximum number of remembered names of tools that are not offered now. Without it, a server that keeps renaming its tools would make the
 * list grow without end.
 */
const mostAbsent = 1000;

interface Ordered {
  readonly name: string;
}

/**
 * The order in which models see tools. Until the first turn, it is the order of the configuration. From then on a tool keeps its position,
 * even while its server is down, and a new tool comes last. If the order changed, the beginning of every later request would change, and
 * the request would miss the provider's prompt cache.
 */
export class ToolOrder {
  #places: Map<string, number> | undefined;

  /** Fixes the order of these tools. Called when a turn starts. */
  begin(tools: readonly Ordered[]): void {
    this.#places ??= new Map();
    this.#note(tools);
  }

  /** Returns the tools in the fixed order, and gives new tools a position. */
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
