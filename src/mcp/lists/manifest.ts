/**
 * Storage on disk for the lists that servers sent in earlier runs. The host offers the stored lists of a server until the server is ready.
 * A lazy server starts only at its first use, so its stored lists are offered until then.
 */

import { createHmac } from "node:crypto";
import { readFileSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { ConfiguredServer } from "../../core/config.js";
import { keptSecret } from "../../core/files/kept-secret.js";
import { writePrivately } from "../../core/files/whole-file.js";
import { asArray, asObject, isPlainObject, parseJson } from "../../core/json.js";
import { clientInfo } from "../shared/client-info.js";
import { reachedBy } from "./server-hash.js";
import { emptyLists, type ServerLists } from "./server-lists.js";

export interface Remembered {
  /** The version that the server states for itself. Undefined if it states none. */
  version: string | undefined;
  lists: ServerLists;
}

/** The folder of the stored lists. Their file names are keyed hashes; `keyFile` holds the key, and must be outside the folder. */
export interface ManifestFiles {
  folder: string;
  keyFile: string;
}

/** Version of the file format. It is part of the file name, so files of another version are not read. */
const format = 2;

/** Time in ms for which stored lists are used without asking the server. */
const maxAgeMs = 24 * 60 * 60 * 1000;

/**
 * The stored lists of one server. The file is readable by the user only, and is used only with the same server configuration and the same
 * version of the host.
 */
export class Manifest {
  readonly #files: ManifestFiles;
  readonly #config: ConfiguredServer;
  #path: string | undefined;

  constructor(files: ManifestFiles, config: ConfiguredServer) {
    this.#files = files;
    this.#config = config;
  }

  /** Returns the stored lists. Returns undefined if there is no usable file. */
  read(): Remembered | undefined {
    try {
      const { version, lists } = asObject(parseJson(readFileSync(this.#file(), "utf8"))) ?? {};
      if (!areLists(lists)) return undefined;
      return { version: typeof version === "string" ? version : undefined, lists };
    } catch {
      return undefined;
    }
  }

  /** True if the server has not confirmed the stored lists for a day. The file's time of modification is the time of the last check. */
  get isOld(): boolean {
    const stats = statSync(this.#file(), { throwIfNoEntry: false });
    return stats === undefined || Math.abs(Date.now() - stats.mtimeMs) > maxAgeMs;
  }

  /** Stores the lists that the server has just sent. Throws if the file cannot be written. */
  write(remembered: Remembered): void {
    if (isDeepStrictEqual(this.read(), remembered)) utimesSync(this.#file(), new Date(), new Date());
    else writePrivately(this.#file(), JSON.stringify(remembered));
  }

  /**
   * Returns the path of the file. The file name is a hash of all settings of the server, because the lists may depend on any setting. Some
   * settings are secrets. A short secret could be guessed from a plain hash, so the hash uses a key.
   */
  #file(): string {
    this.#path ??= join(this.#files.folder, `${this.#name()}.json`);
    return this.#path;
  }

  #name(): string {
    const hash = createHmac("sha256", keptSecret(this.#files.keyFile));
    return hash
      .update(JSON.stringify([format, clientInfo.version, givenTo(this.#config)]))
      .digest("hex")
      .slice(0, 32);
  }
}

function givenTo(config: ConfiguredServer): unknown[] {
  const { name, transport, protocol, sampling, roots } = config;
  const { env } = transport === "stdio" ? config : {};
  const [command, args, cwd] = transport === "stdio" ? reachedBy(config) : [];
  const { url, headers, oauth } = transport === "stdio" ? {} : config;
  return [name, transport, protocol, sampling, roots, command, args, env, cwd, url, headers, oauth];
}

function areLists(lists: unknown): lists is ServerLists {
  if (!isPlainObject(lists)) return false;
  const isWhole = Object.entries(emptyLists).every(([key, empty]) =>
    Array.isArray(empty) ? Array.isArray(lists[key]) : typeof lists[key] === typeof empty,
  );
  return isWhole && asArray(lists.tools).every((tool) => isPlainObject(tool) && isPlainObject(tool.definition));
}
