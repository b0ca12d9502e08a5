/**
 * The pinned definitions of a server's tools. The pinned definition of a tool is the definition that a host saw first, or the one that the
 * user approved last.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ServerConfig } from "../../core/config.js";
import { messageOf } from "../../core/errors.js";
import { writePrivately } from "../../core/files/whole-file.js";
import { asObject, isPlainObject } from "../../core/json.js";
import { changedParts, type Definition } from "./definition.js";
import type { ListedTool } from "./listed.js";
import { fileNameOf } from "./server-hash.js";

interface Pin {
  /** Time at which the definition was pinned, in ms since the epoch. */
  pinnedAt: number;
  definition: Definition;
}

type ServerPins = Record<string, Pin>;

/**
 * Maximum number of tools of one server that are pinned unasked. Every read of the server's lists reads all pins, and a server may send other
 * names each time. No pin is dropped for a new one: its tool could then return with another definition, and nobody would notice.
 */
const mostPins = 10_000;

/**
 * The pins of one server, in a file that all hosts of the user share. The server's name and its command or address choose the file.
 * Environment variables do not matter, because a server with a new key is still the same server. A tool stays pinned when it is no longer
 * offered: it may return with another definition.
 */
export class Pins {
  readonly #path: string | undefined;
  readonly #now: () => number;
  /** Pins that are not in the file, because the file could not be written or there is no file. */
  #unwritten: ServerPins = {};

  constructor(folder: string | undefined, config: ServerConfig, now: () => number = Date.now) {
    this.#path = folder && join(folder, fileNameOf(config));
    this.#now = now;
  }

  /**
   * Returns how these tools differ from their pinned definitions. The keys are tool names; tools without a difference or without a pin are
   * left out. If the file cannot be read, a tool counts as changed unless this host itself has pinned it, because its definition may have
   * changed. So does a new tool for which there is no room.
   */
  changes(tools: readonly ListedTool[]): Map<string, string> {
    let known = this.#unwritten;
    let room = 0;
    let unpinned = `unknown, because ${mostPins} other tools of the server are pinned already`;
    try {
      known = this.#known();
      room = roomIn(known);
    } catch (error) {
      unpinned = `unknown, because its pinned definition cannot be read (${messageOf(error)})`;
    }
    const changes = new Map<string, string>();
    for (const { name, definition } of tools) {
      const pin = own(known, name);
      if (!pin && --room < 0) changes.set(name, unpinned);
      const parts = pin ? changedParts(pin.definition, definition) : [];
      if (pin && parts.length > 0) changes.set(name, sentence(parts, pin.pinnedAt));
    }
    return changes;
  }

  /**
   * Pins the tools that are not pinned yet, as long as there is room. Throws errors of the file system. If the file can be read but not
   * written, this host uses the new pins nevertheless. If the file cannot be read, pins nothing.
   */
  pinNew(tools: readonly ListedTool[]): void {
    const known = this.#known();
    const unpinned = tools.filter(({ name }) => !own(known, name));
    this.pin(unpinned.slice(0, roomIn(known)));
  }

  /**
   * Pins these tools, and replaces their earlier pins. Throws errors of the file system. Even after an error, this host uses the new pins.
   */
  pin(tools: readonly ListedTool[]): void {
    if (tools.length === 0) return;
    const pinnedAt = this.#now();
    const fresh = Object.fromEntries(tools.map(({ name, definition }) => [name, { pinnedAt, definition }]));
    this.#unwritten = { ...this.#unwritten, ...fresh };
    if (this.#path === undefined) return;
    writePrivately(this.#path, JSON.stringify({ tools: this.#known() }));
    this.#unwritten = {};
  }

  #known(): ServerPins {
    return { ...(this.#path === undefined ? {} : readPins(this.#path)), ...this.#unwritten };
  }
}

/**
 * Reads the pins from a file. Returns no pins if the file is missing or its content is unusable; every tool is then new. Throws if the file
 * cannot be read, because the file may hold pins that must not be replaced.
 */
function readPins(path: string): ServerPins {
  const text = textOf(path);
  try {
    const tools = asObject(asObject(JSON.parse(text))?.tools) ?? {};
    return Object.fromEntries(Object.entries(tools).filter((entry): entry is [string, Pin] => isPin(entry[1])));
  } catch {
    return {};
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return "";
    throw error;
  }
}

function isPin(value: unknown): boolean {
  return isPlainObject(value) && typeof value.pinnedAt === "number" && isPlainObject(value.definition);
}

/** Returns the number of tools that may still be pinned unasked. */
function roomIn(known: ServerPins): number {
  return Math.max(0, mostPins - Object.keys(known).length);
}

/** Returns the pin of a tool. Looks only at own properties, because a tool may be called `constructor`. */
function own(known: ServerPins, name: string): Pin | undefined {
  return Object.hasOwn(known, name) ? known[name] : undefined;
}

/** Returns a sentence such as `its description and parameters changed since 2026-11-25 10:12 UTC`. */
function sentence(parts: readonly string[], pinnedAt: number): string {
  const names = [parts.slice(0, -1).join(", "), parts.at(-1)].filter(Boolean).join(" and ");
  return `its ${names} changed since ${new Date(pinnedAt).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
