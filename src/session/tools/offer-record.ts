import type { CatalogueEvent, StoredEvent } from "../../core/chat.js";

interface Named {
  readonly name: string;
}

/**
 * What the requests of a conversation begin with, read off the log: providers cache that. A tool keeps its place over turns, restarts and
 * hosts, and one that is new comes last. What servers say of themselves stays in the system prompt as it was; what has changed of it is
 * told where the conversation is. After a compaction requests begin differently anyway, so all of it is forgotten.
 */
export class OfferRecord {
  readonly #places = new Map<string, number>();
  #unstored: string[] = [];
  /** The servers' words in the system prompt, and as the model knows them by now. */
  #catalogue: { front: string; told: string } | undefined;
  #isCatalogueStored = false;

  /** An event was stored. */
  note(event: StoredEvent): void {
    if (event.type === "compaction") {
      this.#places.clear();
      this.#unstored = [];
      this.#catalogue = undefined;
    }
    if (event.type === "catalogue" && this.#catalogue) this.#catalogue.told = event.text;
    if (event.type !== "assistant_message") return;
    for (const name of event.offered ?? []) this.#place(name);
    if (event.catalogue === undefined) return;
    this.#catalogue = { front: event.catalogue, told: event.catalogue };
    this.#isCatalogueStored = true;
  }

  /** The servers' words for the system prompt: those that it began with, if there are any. */
  frontOf(catalogue: string): string {
    return this.#catalogue?.front ?? catalogue;
  }

  /** A request goes out with these words in its system prompt, by `frontOf`. */
  sends(front: string): void {
    if (this.#catalogue) return;
    this.#catalogue = { front, told: front };
    this.#isCatalogueStored = false;
  }

  /** What the model is to be told of the servers' words, which are these now. */
  news(catalogue: string, turnId: string): CatalogueEvent | undefined {
    const told = this.#catalogue?.told;
    if (told === undefined || told === catalogue) return undefined;
    return { type: "catalogue", turnId, text: catalogue, note: changes(told, catalogue) };
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

  /** What the log does not have yet, for the event that is stored next: names in their order. */
  takeUnstored(): { offered?: string[]; catalogue?: string } {
    const offered = this.#unstored;
    const catalogue = this.#isCatalogueStored ? undefined : this.#catalogue?.front;
    this.#unstored = [];
    this.#isCatalogueStored = true;
    // A conversation without tools and words has nothing to keep.
    if (offered.length === 0 && !catalogue) return {};
    return { ...(offered.length > 0 && { offered }), ...(catalogue !== undefined && { catalogue }) };
  }

  /** False where it had one. */
  #place(name: string): boolean {
    if (this.#places.has(name)) return false;
    this.#places.set(name, this.#places.size);
    return true;
  }
}

/** Line by line. */
function changes(before: string, now: string): string {
  const [old, fresh] = [before, now].map((text) => new Set(text.split("\n"))) as [Set<string>, Set<string>];
  const added = [...fresh].filter((line) => !old.has(line));
  const gone = [...old].filter((line) => !fresh.has(line));
  return [...(added.length > 0 ? ["New:", ...added] : []), ...(gone.length > 0 ? ["No longer:", ...gone] : [])].join(
    "\n",
  );
}
