import { isDeepStrictEqual } from "node:util";
import { messageOf } from "../../core/errors.js";
import type { ListedTool } from "../lists/listed.js";
import type { Manifest, Remembered } from "../lists/manifest.js";
import type { Pins } from "../lists/pins.js";
import { emptyLists, type ServerLists } from "../lists/server-lists.js";
import type { Condition } from "./server-condition.js";

const maxNamed = 5;

const outdated = "its definition has changed meanwhile; look at it again before you call it";

interface OfferedListsParts {
  server: string;
  condition: Condition;
  manifest: Manifest | undefined;
  pins: Pins;
  changed(): void;
}

/** The lists that one server offers now. Also knows how its tools differ from their pinned definitions (first seen, or last approved). */
export class OfferedLists {
  lists: ServerLists = emptyLists;
  readonly #parts: OfferedListsParts;
  /** The lists from an earlier run. Undefined if there are none, or once the server has sent its lists in this run. */
  #remembered: Remembered | undefined;
  #isOld = false;
  /** How tools differ from their pinned definitions, in words. The keys are tool names. */
  #changes: ReadonlyMap<string, string> = new Map();

  constructor(parts: OfferedListsParts) {
    this.#parts = parts;
  }

  /**
   * Uses the lists of an earlier run as the current lists. Returns false if no lists are stored, or if they are empty: nothing of an empty
   * list can be used, so the server might never start and never correct it.
   */
  recall(): boolean {
    const { manifest } = this.#parts;
    const remembered = manifest?.read();
    if (!manifest || !remembered || isEmpty(remembered.lists)) return false;
    this.#remembered = remembered;
    this.#isOld = manifest.isOld;
    const { lists } = remembered;
    this.#compare(lists.tools);
    this.#replace(lists);
    return true;
  }

  get isRemembered(): boolean {
    return this.#remembered !== undefined;
  }

  /** True if the lists are from an earlier run, and the server has not confirmed them for a day. */
  get isOld(): boolean {
    return this.isRemembered && this.#isOld;
  }

  /**
   * Replaces the lists by the lists that the server has sent. Sets the server's state to ready, or to degraded if the lists have problems.
   */
  take(lists: ServerLists, version?: string): void {
    this.#logDifferences(lists, version);
    this.#compare(lists.tools);
    this.#storeOrLog(() => this.#parts.pins.pinNew(lists.tools));
    this.#storeOrLog(() => this.#parts.manifest?.write({ version, lists }));
    this.#replace(lists);
    this.#setServerState();
  }

  withdraw(): void {
    this.#remembered = undefined;
    this.#replace(emptyLists);
  }

  /**
   * Returns how the tool differs from its pinned definition. Returns undefined if it does not differ. Reads the pins again, because another
   * host of the user may have changed the pins.
   */
  changeOf(tool: ListedTool): string | undefined {
    return this.#changes.has(tool.name) ? this.#parts.pins.changes([tool]).get(tool.name) : undefined;
  }

  /** Returns true if the server offers a tool of this name, whatever its definition. */
  hasNamed(tool: ListedTool): boolean {
    const { name } = tool;
    return this.lists.tools.includes(tool) || this.lists.tools.some((offered) => offered.name === name);
  }

  /**
   * Returns the reason why the tool must not be called: the server no longer offers the tool, or the tool's definition is not the one that
   * the model saw. Returns undefined if the tool may be called.
   */
  objectionTo(tool: ListedTool): string | undefined {
    if (this.lists.tools.includes(tool)) return undefined;
    const offered = this.lists.tools.find(({ name }) => name === tool.name);
    if (!offered) return "the server no longer offers it";
    return isDeepStrictEqual(offered.definition, tool.definition) ? undefined : outdated;
  }

  /** Pins the definitions of these tools. Returns how the tools differed from the earlier pins. The keys are tool names. */
  pin(tools: readonly ListedTool[]): ReadonlyMap<string, string> {
    const { pins } = this.#parts;
    const changes = pins.changes(tools);
    this.#storeOrLog(() => pins.pin(tools.filter(({ name }) => changes.has(name))));
    if (changes.size > 0) this.#compare(this.lists.tools);
    if (this.#parts.condition.state !== "starting") this.#setServerState();
    return changes;
  }

  /** Logs how the lists differ from the lists of the earlier run. A model may have seen the earlier lists. */
  #logDifferences(lists: ServerLists, version: string | undefined): void {
    const before = this.#remembered;
    this.#remembered = undefined;
    if (!before) return;
    const news = differences(before.lists, lists);
    if (news.length === 0) return;
    const versions =
      before.version === version ? "" : ` (version ${before.version ?? "unknown"}, now ${version ?? "unknown"})`;
    this.#parts.condition.log("warn", `its tools differ from the last time${versions}: ${news.join("; ")}`);
  }

  #compare(tools: readonly ListedTool[]): void {
    const before = this.#changes;
    this.#changes = this.#parts.pins.changes(tools);
    const news = [...this.#changes].filter(([tool, change]) => before.get(tool) !== change).map(redefinition);
    if (news.length > 0) this.#parts.condition.log("warn", `its tool ${firstOf(news)} (${this.#advice})`);
  }

  #setServerState(): void {
    const { problems } = this.lists;
    const changes = [...this.#changes].map(redefinition);
    const redefined = changes.length > 0 ? `${firstOf(changes)} (${this.#advice})` : undefined;
    const { condition } = this.#parts;
    if (problems.length === 0) condition.set("ready", redefined);
    else condition.set("degraded", [`left out: ${firstOf(problems)}`, redefined].filter(Boolean).join("; "));
  }

  get #advice(): string {
    return `mcp-platform servers trust ${this.#parts.server}`;
  }

  #storeOrLog(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#parts.condition.log("warn", `its lists cannot be stored: ${messageOf(error)}`);
    }
  }

  /** Replaces the lists. If nothing has changed, keeps the old objects, because the cache of compiled argument checks uses them as keys. */
  #replace(lists: ServerLists): void {
    if (isDeepStrictEqual(lists, this.lists)) return;
    this.lists = lists;
    this.#parts.changed();
  }
}

function isEmpty({ tools, prompts, resources, templates }: ServerLists): boolean {
  return [tools, prompts, resources, templates].every((list) => list.length === 0);
}

function redefinition([tool, change]: readonly [string, string]): string {
  return `${tool} was redefined: ${change}`;
}

function firstOf(names: readonly string[]): string {
  const more = names.length - maxNamed;
  return [...names.slice(0, maxNamed), ...(more > 0 ? [`and ${more} more`] : [])].join("; ");
}

function differences(before: ServerLists, after: ServerLists): string[] {
  const known = new Map(before.tools.map((tool) => [tool.name, tool]));
  const names = new Set(after.tools.map(({ name }) => name));
  const isOther = (tool: ListedTool) => !isDeepStrictEqual(known.get(tool.name), tool);
  const tools = {
    new: after.tools.filter(({ name }) => !known.has(name)),
    gone: before.tools.filter(({ name }) => !names.has(name)),
    changed: after.tools.filter((tool) => known.has(tool.name) && isOther(tool)),
  };
  const beside = (["instructions", "prompts", "resources", "templates"] as const).filter(
    (list) => !isDeepStrictEqual(before[list], after[list]),
  );
  return [
    ...Object.entries(tools)
      .filter(([, each]) => each.length > 0)
      .map(([what, each]) => `${what} tools: ${firstOf(each.map(({ name }) => name))}`),
    ...(beside.length > 0 ? [`other ${beside.join(", ")}`] : []),
  ];
}
