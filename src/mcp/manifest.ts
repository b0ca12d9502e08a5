/** What a server offered the last time, kept on disk: lazy servers live on it until their first use. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ServerConfig } from "../core/config.js";
import { asArray, isRecord, parseJson } from "./json.js";
import { fileNameOf } from "./place.js";
import { emptyLists, type ServerLists } from "./server-lists.js";

/** One file a configuration of a server, readable by its owner alone. */
export class Manifest {
  readonly #folder: string;
  readonly #path: string;

  constructor(folder: string, config: ServerConfig) {
    this.#folder = folder;
    this.#path = join(folder, fileNameOf(config, config.transport === "stdio" ? [config.env] : []));
  }

  /** Undefined when there is none that can be used. */
  read(): ServerLists | undefined {
    try {
      const parsed = parseJson(readFileSync(this.#path, "utf8"));
      const lists = "value" in parsed && isRecord(parsed.value) ? parsed.value : {};
      const isWhole = Object.entries(emptyLists).every(([key, empty]) =>
        Array.isArray(empty) ? Array.isArray(lists[key]) : typeof lists[key] === typeof empty,
      );
      return isWhole && asArray(lists.tools).every((tool) => isRecord(tool) && isRecord(tool.definition))
        ? (lists as unknown as ServerLists)
        : undefined;
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
