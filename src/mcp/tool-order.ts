/** Names that are remembered beside those that are offered: a server may offer other ones all the time. */
const mostAbsent = 1000;

interface Ordered {
  readonly name: string;
}

/**
 * The order in which models are shown tools. Until the first turn it is that of the configuration. From then on a tool keeps its place, also
 * while its server is away, and a new one comes last: in front it would change the beginning of every conversation's next request, which
 * providers' caches of prompts go by.
 */
export class ToolOrder {
  /** Undefined until the first turn. */
  #places: Map<string, number> | undefined;

  /** A turn begins: these are shown from now on. */
  begin(tools: readonly Ordered[]): void {
    this.#places ??= new Map();
    this.#note(tools);
  }

  /** The tools in their order. Those that are new have their place from now on. */
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
