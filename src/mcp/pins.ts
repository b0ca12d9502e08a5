/** The definitions of a server's tools that the user goes by: as first seen, and from then on as he approved them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ServerConfig } from "../core/config.js";
import { writePrivately } from "../core/private-file.js";
import { changedParts, type Definition } from "./definition.js";
import { isRecord, parseJson } from "./json.js";
import type { ListedTool } from "./listed.js";
import { fileNameOf } from "./place.js";

interface Pin {
  /** Milliseconds since the epoch. */
  pinnedAt: number;
  definition: Definition;
}

type Known = Record<string, Pin>;

/**
 * One file a server and place it runs at, shared by all hosts of the user; its variables do not count, for a new key makes no other server.
 * A tool that is not offered any more stays pinned: it may come back as something else.
 */
export class Pins {
  readonly #path: string | undefined;
  readonly #now: () => number;
  /** What could not be written, or has no file to go to. */
  #unwritten: Known = {};

  constructor(folder: string | undefined, config: ServerConfig, now: () => number = Date.now) {
    this.#path = folder && join(folder, fileNameOf(config));
    this.#now = now;
  }

  /** What is different from the pinned definition, in words, by name of the tool. Unknown tools are not in it. */
  changes(tools: readonly ListedTool[]): Map<string, string> {
    const known = this.#known();
    const changes = new Map<string, string>();
    for (const { name, definition } of tools) {
      const pin = own(known, name);
      const parts = pin ? changedParts(pin.definition, definition) : [];
      if (pin && parts.length > 0) changes.set(name, sentence(parts, pin.pinnedAt));
    }
    return changes;
  }

  /** Pins those that were never seen before. Throws what the file system throws; they are known to this host all the same. */
  pinNew(tools: readonly ListedTool[]): void {
    const known = this.#known();
    this.pin(tools.filter(({ name }) => !own(known, name)));
  }

  /** Throws as `pinNew` does. */
  pin(tools: readonly ListedTool[]): void {
    if (tools.length === 0) return;
    const pinnedAt = this.#now();
    const fresh = Object.fromEntries(tools.map(({ name, definition }) => [name, { pinnedAt, definition }]));
    this.#unwritten = { ...this.#unwritten, ...fresh };
    if (this.#path === undefined) return;
    writePrivately(this.#path, JSON.stringify({ tools: this.#known() }));
    this.#unwritten = {};
  }

  #known(): Known {
    return { ...(this.#path === undefined ? {} : readPins(this.#path)), ...this.#unwritten };
  }
}

/** None when there is no file that can be used: then what is seen first is pinned. */
function readPins(path: string): Known {
  try {
    const parsed = parseJson(readFileSync(path, "utf8"));
    const tools = "value" in parsed && isRecord(parsed.value) && isRecord(parsed.value.tools) ? parsed.value.tools : {};
    return Object.fromEntries(Object.entries(tools).filter((entry): entry is [string, Pin] => isPin(entry[1])));
  } catch {
    return {};
  }
}

function isPin(value: unknown): boolean {
  return isRecord(value) && typeof value.pinnedAt === "number" && isRecord(value.definition);
}

/** A tool may be called `constructor`. */
function own(known: Known, name: string): Pin | undefined {
  return Object.hasOwn(known, name) ? known[name] : undefined;
}

/** `its description and parameters changed since 2026-11-25 10:12 UTC` */
function sentence(parts: readonly string[], pinnedAt: number): string {
  const names = [parts.slice(0, -1).join(", "), parts.at(-1)].filter(Boolean).join(" and ");
  return `its ${names} changed since ${new Date(pinnedAt).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
