import type { CatalogueEvent, StoredEvent } from "../../core/chat.js";

interface Named {
  readonly name: string;
}

/**
 * The beginning of a conversation's requests, read from the log, since providers cache it. A tool keeps its position across turns, restarts
 * and hosts; a new one comes last. The servers' instructions stay unchanged in the system prompt; later changes are told at the current
 * point of the conversation. A compaction resets all of it, as requests then begin differently anyway.
 */
export class OfferRecord {
  readonly #places = new Map<string, number>();
  #unstored: string[] = [];
  /** The servers' instructions in the system prompt (`front`), and as the model last heard of them (`told`). */
  #catalogue: { front: string; told: string } | undefined;
  #isCatalogueStored = false;

  /** Updates the record from a stored event. */
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

  /** Returns the instructions for the system prompt: those first sent, if any. */
  frontOf(catalogue: string): string {
    return this.#catalogue?.front ?? catalogue;
  }

  /** Records that a request is sent with these instructions, as `frontOf` returned them. */
  sends(front: string): void {
    if (this.#catalogue) return;
    this.#catalogue = { front, told: front };
    this.#isCatalogueStored = false;
  }

  /** Returns the event that tells the model how the instructions have changed, if they have. */
  news(catalogue: string, turnId: string): CatalogueEvent | undefined {
    const told = this.#catalogue?.told;
    if (told === undefined || told === catalogue) return undefined;
    return { type: "catalogue", turnId, text: catalogue, note: changes(told, catalogue) };
  }

  has(name: string): boolean {
    return this.#places.has(name);
  }

  /** Sorts the tools of the next request and gives new ones their position. Returns the same list if it is in order. */
  sorted<Tool extends Named>(tools: readonly Tool[]): readonly Tool[] {
    const placeOf = ({ name }: Named) => this.#places.get(name) ?? Number.MAX_SAFE_INTEGER;
    const isSorted = tools.every((tool, index) => index === 0 || placeOf(tools[index - 1] as Tool) <= placeOf(tool));
    const sorted = isSorted ? tools : [...tools].sort((one, other) => placeOf(one) - placeOf(other));
    for (const { name } of sorted) if (this.#place(name)) this.#unstored.push(name);
    return sorted;
  }

  /** Returns what the log lacks, for the next stored event: names in order. */
  takeUnstored(): { offered?: string[]; catalogue?: string } {
    const offered = this.#unstored;
    const catalogue = this.#isCatalogueStored ? undefined : this.#catalogue?.front;
    this.#unstored = [];
    this.#isCatalogueStored = true;
    // A conversation without tools and instructions has nothing to keep.
    if (offered.length === 0 && !catalogue) return {};
    return { ...(offered.length > 0 && { offered }), ...(catalogue !== undefined && { catalogue }) };
  }

  /** False if it already had a position. */
  #place(name: string): boolean {
    if (this.#places.has(name)) return false;
    this.#places.set(name, this.#places.size);
    return true;
  }
}

function changes(before: string, now: string): string {
  const [old, fresh] = [before, now].map((text) => new Set(text.split("\n"))) as [Set<string>, Set<string>];
  const added = [...fresh].filter((line) => !old.has(line));
  const gone = [...old].filter((line) => !fresh.has(line));
  return [...(added.length > 0 ? ["New:", ...added] : []), ...(gone.length > 0 ? ["No longer:", ...gone] : [])].join(
    "\n",
  );
}
