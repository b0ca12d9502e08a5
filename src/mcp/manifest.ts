/** The servers' last offers, kept on disk: lazy servers use them until their first use, others until they are ready. */
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
  /** The server's own version, if it states one. */
  version: string | undefined;
  lists: ServerLists;
}

/** The folder of the manifests, and the key file for their names, which must lie elsewhere. */
export interface ManifestPlace {
  folder: string;
  keyFile: string;
}

/** Version of the file format. A new number means new files: those of an older build are not read. */
const format = 2;

/** One file per server configuration and host version, readable only by its owner. */
export class Manifest {
  readonly #place: ManifestPlace;
  readonly #config: ServerConfig;
  #path: string | undefined;

  constructor(place: ManifestPlace, config: ServerConfig) {
    this.#place = place;
    this.#config = config;
  }

  /** Returns undefined if there is no usable file. */
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

  /** Throws if `writePrivately` does. */
  write(remembered: Remembered): void {
    writePrivately(this.#file(), JSON.stringify(remembered));
  }

  /**
   * The name depends on everything that the server is given, since its offer may depend on any of it. That includes secrets: a short one
   * could be guessed from a plain hash, so the hash has a key.
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
