import { isDeepStrictEqual } from "node:util";
import { messageOf } from "../core/errors.js";
import type { Condition } from "./condition.js";
import type { ListedTool } from "./listed.js";
import type { Manifest } from "./manifest.js";
import type { Pins } from "./pins.js";
import { emptyLists, type ServerLists } from "./server-lists.js";

const maxNamed = 5;

interface OfferParts {
  /** As in `mcpServers`. */
  server: string;
  condition: Condition;
  manifest: Manifest | undefined;
  pins: Pins;
  /** The lists are others now. */
  changed(): void;
}

/** What one server offers now, and how that compares to the definitions that the user goes by. */
export class Offer {
  lists: ServerLists = emptyLists;
  readonly #parts: OfferParts;
  /** Tools whose definition is not the pinned one, with what is different. */
  #changes: ReadonlyMap<string, string> = new Map();

  constructor(parts: OfferParts) {
    this.#parts = parts;
  }

  /** Goes on with what was offered in the last run; whether that is known. */
  recall(): boolean {
    const lists = this.#parts.manifest?.read();
    if (!lists) return false;
    this.#compare(lists.tools);
    this.#replace(lists);
    return true;
  }

  /** The server has said what it offers: it is ready, as far as that goes. */
  take(lists: ServerLists): void {
    this.#compare(lists.tools);
    this.#keep(() => this.#parts.pins.pinNew(lists.tools));
    const { manifest } = this.#parts;
    this.#keep(() => {
      if (!isDeepStrictEqual(manifest?.read(), lists)) manifest?.write(lists);
    });
    this.#replace(lists);
    this.#tell();
  }

  withdraw(): void {
    this.#replace(emptyLists);
  }

  /** What is different from the pinned definition, in words. Another host of the user may have pinned it meanwhile. */
  changeOf(tool: ListedTool): string | undefined {
    return this.#changes.has(tool.name) ? this.#parts.pins.changes([tool]).get(tool.name) : undefined;
  }

  /** Whether the tool is offered under another definition by now. */
  isOutdated(tool: ListedTool): boolean {
    const offered = this.lists.tools.find(({ name }) => name === tool.name);
    return offered !== undefined && !isDeepStrictEqual(offered.definition, tool.definition);
  }

  /** The user goes by these definitions from now on. Returns what was different, by name of the tool. */
  pin(tools: readonly ListedTool[]): ReadonlyMap<string, string> {
    const { pins } = this.#parts;
    const changes = pins.changes(tools);
    this.#keep(() => pins.pin(tools.filter(({ name }) => changes.has(name))));
    if (changes.size > 0) this.#compare(this.lists.tools);
    if (this.#parts.condition.state !== "starting") this.#tell();
    return changes;
  }

  #compare(tools: readonly ListedTool[]): void {
    const before = this.#changes;
    this.#changes = this.#parts.pins.changes(tools);
    for (const [tool, change] of this.#changes) {
      if (before.get(tool) !== change) {
        this.#parts.condition.log("warn", `its tool ${tool} was redefined: ${change} (${this.#advice})`);
      }
    }
  }

  #tell(): void {
    const { problems } = this.lists;
    const changes = [...this.#changes].map(([tool, change]) => `${tool} was redefined: ${change}`);
    const redefined = changes.length > 0 ? `${firstOf(changes)} (${this.#advice})` : undefined;
    const { condition } = this.#parts;
    if (problems.length === 0) condition.set("ready", redefined);
    else condition.set("degraded", [`left out: ${firstOf(problems)}`, redefined].filter(Boolean).join("; "));
  }

  get #advice(): string {
    return `mcp-platform servers trust ${this.#parts.server}`;
  }

  #keep(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#parts.condition.log("warn", `what it offers cannot be kept: ${messageOf(error)}`);
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
