/**
 * Maximum number of remembered names of tools that are not offered now. Without it, a server that keeps renaming its tools would make the
 * list grow without end.
 */
const mostAbsent = 1000;

interface Ordered {
  readonly name: string;
}

/**
 * The order of this host's tools, with which new conversations begin. Until the first turn, it is the order of the configuration. From then
 * on it follows the rule of `session/tools/offer-record.ts`, which does the same for one conversation, from its log.
 */
export class ToolOrder {
  #positions: Map<string, number> | undefined;

  /** Fixes the order of these tools. Called when a turn starts. */
  begin(tools: readonly Ordered[]): void {
    this.#positions ??= new Map();
    this.#note(tools);
  }

  /** Returns the tools in the fixed order, and gives new tools a position. */
  sorted<Tool extends Ordered>(tools: readonly Tool[]): Tool[] {
    const positions = this.#positions;
    if (!positions) return [...tools];
    const positionOf = ({ name }: Ordered) => positions.get(name) ?? Number.MAX_SAFE_INTEGER;
    const sorted = [...tools].sort((a, b) => positionOf(a) - positionOf(b));
    this.#note(sorted);
    return sorted;
  }

  #note(tools: readonly Ordered[]): void {
    const positions = this.#positions;
    if (!positions) return;
    if (positions.size > tools.length + mostAbsent) positions.clear();
    for (const { name } of tools) if (!positions.has(name)) positions.set(name, positions.size);
  }
}
