/**
 * What servers offered the last time, kept on disk: lazy servers live on it until their first use, and the others until they are ready.
 */
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ServerConfig } from "../core/config.js";
import { keptSecret } from "../core/kept-secret.js";
import { writePrivately } from "../core/private-file.js";
import { clientInfo } from "./client-info.js";
import { asArray, isRecord, parseJson } from "./json.js";
import { emptyLists, type ServerLists } from "./server-lists.js";

export interface Remembered {
  /** The server's own, where it says one. */
  version: string | undefined;
  lists: ServerLists;
}

/** Where manifests are, and the file of the key that names them, which is not to lie among them. */
export interface ManifestPlace {
  folder: string;
  keyFile: string;
}

/** Another number, another file: what an older build has kept is not read. */
const format = 2;

/** One file a configuration of a server and version of this host, readable by its owner alone. */
export class Manifest {
  readonly #place: ManifestPlace;
  readonly #config: ServerConfig;
  #path: string | undefined;

  constructor(place: ManifestPlace, config: ServerConfig) {
    this.#place = place;
    this.#config = config;
  }

  /** Undefined when there is none that can be used. */
  read(): Remembered | undefined {
    try {
      const parsed = parseJson(readFileSync(this.#file(), "utf8"));
      const { version, lists } = "value" in parsed && isRecord(parsed.value) ? parsed.value : {};
      if (!areLists(lists)) return undefined;
      return { version: typeof version === "string" ? version : undefined, lists };
    } catch {
      return undefined;
    }
  }

  /** As `writePrivately`. */
  write(remembered: Remembered): void {
    writePrivately(this.#file(), JSON.stringify(remembered));
  }

  /**
   * All counts that a server is given: what it offers may depend on any of it. Secrets are a part of that, and a short one could be
   * found out from a plain hash by trying, so that the name is made with a key.
   */
  #file(): string {
    this.#path ??= join(this.#place.folder, `${this.#name()}.json`);
    return this.#path;
  }

  #name(): string {
    const hash = createHmac("sha256", keptSecret(this.#place.keyFile));
    return hash
      .update(JSON.stringify([format, clientInfo.version, givenTo(this.#config)]))
      .digest("hex")
      .slice(0, 32);
  }
}

function givenTo(config: ServerConfig): unknown[] {
  const { name, transport, protocol, sampling, roots } = config;
  const { command, args, env, cwd } = transport === "stdio" ? config : {};
  const { url, headers, oauth } = transport === "stdio" ? {} : config;
  return [name, transport, protocol, sampling, roots, command, args, env, cwd, url, headers, oauth];
}

function areLists(lists: unknown): lists is ServerLists {
  if (!isRecord(lists)) return false;
  const isWhole = Object.entries(emptyLists).every(([key, empty]) =>
    Array.isArray(empty) ? Array.isArray(lists[key]) : typeof lists[key] === typeof empty,
  );
  return isWhole && asArray(lists.tools).every((tool) => isRecord(tool) && isRecord(tool.definition));
}
