import { isShortening } from "../../core/event-facts.js";
import type { CatalogueEvent, StoredEvent } from "../../core/events.js";

/**
 * Records how the requests of a conversation begin. Providers cache the beginning, so it should not change. The record is rebuilt from the
 * log, so it is the same after a restart and on another host. A tool keeps its position, even while its server is down, and a new tool comes
 * last. The servers' instructions in the system prompt do not change; an event at the end of the conversation tells the model about later
 * changes. A compaction or a trim resets the record, because the requests then begin differently anyway.
 */
export class OfferRecord {
  readonly #positions = new Map<string, number>();
  #unstored: string[] = [];
  /** The servers' instructions. `front` is their text in the system prompt, and `known` is the newest text that the model knows. */
  #catalogue: { front: string; known: string } | undefined;
  #isCatalogueStored = false;

  /** Updates the record after an event was stored. */
  note(event: StoredEvent): void {
    if (isShortening(event)) {
      this.#positions.clear();
      this.#unstored = [];
      this.#catalogue = undefined;
    }
    if (event.type === "catalogue" && this.#catalogue) this.#catalogue.known = event.text;
    if (event.type !== "assistant_message") return;
    for (const name of event.offered ?? []) this.#append(name);
    if (event.catalogue === undefined) return;
    this.#catalogue = { front: event.catalogue, known: event.catalogue };
    this.#isCatalogueStored = true;
  }

  /** Returns the instructions for the system prompt: those of the first request or, if there was no request yet, the given ones. */
  frontOf(catalogue: string): string {
    return this.#catalogue?.front ?? catalogue;
  }

  /** Records that a request is being sent with these instructions. `front` is what `frontOf` returned. */
  sends(front: string): void {
    if (this.#catalogue) return;
    this.#catalogue = { front, known: front };
    this.#isCatalogueStored = false;
  }

  /** Returns an event that tells the model how the instructions have changed. Returns undefined if they have not changed. */
  news(catalogue: string, turnId: string): CatalogueEvent | undefined {
    const known = this.#catalogue?.known;
    if (known === undefined || known === catalogue) return undefined;
    return { type: "catalogue", turnId, text: catalogue, note: changes(known, catalogue) };
  }

  has(name: string): boolean {
    return this.#positions.has(name);
  }

  /** Sorts the tools for the next request. A new tool gets the next position. Returns the same array if it is already sorted. */
  sorted<Tool extends { readonly name: string }>(tools: readonly Tool[]): readonly Tool[] {
    const positionOf = ({ name }: { readonly name: string }) => this.#positions.get(name) ?? Number.MAX_SAFE_INTEGER;
    const isSorted = tools.every(
      (tool, index) => index === 0 || positionOf(tools[index - 1] as Tool) <= positionOf(tool),
    );
    const sorted = isSorted ? tools : [...tools].sort((one, other) => positionOf(one) - positionOf(other));
    for (const { name } of sorted) if (this.#append(name)) this.#unstored.push(name);
    return sorted;
  }

  /**
   * Returns the names and instructions that were sent but are not in the log yet. The caller must store them with the next event. The names
   * are in the order of their positions.
   */
  takeUnstored(): { offered?: string[]; catalogue?: string } {
    const offered = this.#unstored;
    const catalogue = this.#isCatalogueStored ? undefined : this.#catalogue?.front;
    this.#unstored = [];
    this.#isCatalogueStored = true;
    // If there are neither new tools nor new instructions, there is nothing to store.
    if (offered.length === 0 && !catalogue) return {};
    return { ...(offered.length > 0 && { offered }), ...(catalogue !== undefined && { catalogue }) };
  }

  /** Gives the tool the next position. Returns false if the tool already has a position. */
  #append(name: string): boolean {
    if (this.#positions.has(name)) return false;
    this.#positions.set(name, this.#positions.size);
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
