import type { StoredEvent } from "../../core/chat.js";

interface Named {
  readonly name: string;
}

/**
 * The order in which the tools of a conversation were first sent, read off the log. Providers cache what requests begin with, and that is
 * the tools: a tool keeps its place over turns, restarts and hosts, and one that is new comes last. After a compaction requests begin
 * differently anyway, so the order is forgotten.
 */
export class OfferedOrder {
  readonly #places = new Map<string, number>();
  #unstored: string[] = [];

  /** An event was stored. */
  note(event: StoredEvent): void {
    if (event.type === "compaction") {
      this.#places.clear();
      this.#unstored = [];
    }
    if (event.type === "assistant_message") for (const name of event.offered ?? []) this.#place(name);
  }

  has(name: string): boolean {
    return this.#places.has(name);
  }

  /** The tools of the next request: the same list where it is in order. Those that are new have their place from now on. */
  sorted<Tool extends Named>(tools: readonly Tool[]): readonly Tool[] {
    const placeOf = ({ name }: Named) => this.#places.get(name) ?? Number.MAX_SAFE_INTEGER;
    const isSorted = tools.every((tool, index) => index === 0 || placeOf(tools[index - 1] as Tool) <= placeOf(tool));
    const sorted = isSorted ? tools : [...tools].sort((one, other) => placeOf(one) - placeOf(other));
    for (const { name } of sorted) if (this.#place(name)) this.#unstored.push(name);
    return sorted;
  }

  /** The names that the log does not have yet, in their order, for the event that is stored next. Undefined where it has all. */
  takeUnstored(): string[] | undefined {
    if (this.#unstored.length === 0) return undefined;
    const names = this.#unstored;
    this.#unstored = [];
    return names;
  }

  /** False where it had one. */
  #place(name: string): boolean {
    if (this.#places.has(name)) return false;
    this.#places.set(name, this.#places.size);
    return true;
  }
}
