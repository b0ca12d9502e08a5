/** What a server offered the last time, kept on disk: lazy servers live on it, and changed tools show against it. */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { ServerConfig } from "../core/config.js";
import { asArray, isRecord, parseJson } from "./json.js";
import { emptyLists, type ServerLists } from "./server-lists.js";

/** One file a configuration of a server, readable by its owner alone. */
export class Manifest {
  readonly #folder: string;
  readonly #path: string;

  /** The name of the file is a hash: the configuration may hold secrets. */
  constructor(folder: string, config: ServerConfig) {
    const { name, transport } = config;
    const place = transport === "stdio" ? [config.command, config.args, config.env, config.cwd] : [config.url];
    const hash = createHash("sha256")
      .update(JSON.stringify([name, ...place]))
      .digest("hex");
    this.#folder = folder;
    this.#path = join(folder, `${hash.slice(0, 32)}.json`);
  }

  /** Undefined when there is none that can be used. */
  read(): ServerLists | undefined {
    try {
      const parsed = parseJson(readFileSync(this.#path, "utf8"));
      const lists = "value" in parsed && isRecord(parsed.value) ? parsed.value : {};
      const isWhole = Object.keys(emptyLists).every((key) => Array.isArray(lists[key]));
      return isWhole && asArray(lists.tools).every(isRecord) ? (lists as unknown as ServerLists) : undefined;
    } catch {
      return undefined;
    }
  }

  /** At once and whole, or not at all. Throws what the file system throws. */
  write(lists: ServerLists): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const draft = `${this.#path}.${process.pid}`;
    writeFileSync(draft, JSON.stringify(lists), { mode: 0o600 });
    renameSync(draft, this.#path);
  }
}

/** Tools that both have, under other definitions: a server that was approved for one thing may have come to do another. */
export function changedTools(before: ServerLists, after: ServerLists): string[] {
  const known = new Map(before.tools.map((tool) => [tool.name, tool]));
  return after.tools
    .filter((tool) => known.has(tool.name) && !isDeepStrictEqual(known.get(tool.name), tool))
    .map((tool) => tool.name);
}
