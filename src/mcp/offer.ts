import { isDeepStrictEqual } from "node:util";
import { messageOf } from "../core/errors.js";
import type { Condition } from "./condition.js";
import { changedTools, type Manifest } from "./manifest.js";
import { emptyLists, type ServerLists } from "./server-lists.js";

const maxNamed = 5;

interface OfferParts {
  condition: Condition;
  manifest: Manifest | undefined;
  /** The lists are others now. */
  changed(): void;
}

/** What one server offers now, and how that compares to what it offered before. */
export class Offer {
  lists: ServerLists = emptyLists;
  readonly #parts: OfferParts;
  /** Tools whose definition is not what it was. */
  readonly #redefined = new Set<string>();

  constructor(parts: OfferParts) {
    this.#parts = parts;
  }

  /** Goes on with what was offered in the last run; whether that is known. */
  recall(): boolean {
    const lists = this.#parts.manifest?.read();
    if (lists) this.#replace(lists);
    return lists !== undefined;
  }

  /** The server has said what it offers: it is ready, as far as that goes. */
  take(lists: ServerLists): void {
    this.#compare(lists);
    this.#replace(lists);
    const { condition } = this.#parts;
    const redefined =
      this.#redefined.size > 0 ? `changed since the last run: ${firstOf([...this.#redefined])}` : undefined;
    if (lists.problems.length === 0) condition.set("ready", redefined);
    else condition.set("degraded", [`left out: ${firstOf(lists.problems)}`, redefined].filter(Boolean).join("; "));
  }

  withdraw(): void {
    this.#replace(emptyLists);
  }

  /** Against what was offered before, in this run or the last. */
  #compare(lists: ServerLists): void {
    const { condition, manifest } = this.#parts;
    const before = this.lists === emptyLists ? manifest?.read() : this.lists;
    for (const tool of before ? changedTools(before, lists) : []) {
      this.#redefined.add(tool);
      condition.log("warn", `the definition of its tool ${tool} has changed`);
    }
    try {
      if (!isDeepStrictEqual(before, lists)) manifest?.write(lists);
    } catch (error) {
      condition.notice(`its manifest cannot be kept: ${messageOf(error)}`);
    }
  }

  /** Keeps the old objects when nothing changed: compiled argument checks hang on them. */
  #replace(lists: ServerLists): void {
    if (isDeepStrictEqual(lists, this.lists)) return;
    this.lists = lists;
    this.#parts.changed();
  }
}

function firstOf(names: readonly string[]): string {
  const more = names.length - maxNamed;
  return [...names.slice(0, maxNamed), ...(more > 0 ? [`and ${more} more`] : [])].join("; ");
}
