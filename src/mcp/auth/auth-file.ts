/** Stored authorizations of servers: one file per server, readable only by the user, shared by all processes of the user. */

import { createHash, randomUUID } from "node:crypto";
import { readFileSync, type Stats, statSync } from "node:fs";
import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { OAuthDiscoveryState } from "@modelcontextprotocol/sdk/client/auth.js";
import type { OAuthClientInformationMixed, OAuthTokens } from "@modelcontextprotocol/sdk/shared/auth.js";
import type { RemoteServerConfig } from "../../core/config.js";
import { withFileLock } from "../../core/files/file-lock.js";
import { asObject, parseJson } from "../../core/json.js";

/**
 * The stored authorization for one server. The fields have the form in which the SDK passes them. `client` and `tokens` also contain their
 * `issuer`, the authorization server that issued them.
 */
export interface AuthRecord {
  client?: OAuthClientInformationMixed;
  tokens?: OAuthTokens;
  discovery?: OAuthDiscoveryState;
  /** The scopes that were requested for the tokens, together with the scopes that the tokens have. */
  scope?: string;
  /** Scopes that the server demanded at a time when no person could log in. The next login requests these scopes. */
  wantedScope?: string;
  /** Time at which the tokens were stored, in ms since the epoch. */
  tokensAt?: number;
}

const changePollMs = 1000;
/**
 * Longest time, in ms, for which a record is used again after it was read from the file. If another process has replaced or revoked the
 * token meanwhile, the server refuses the old token, and the file is read again.
 */
const recentMs = 100;

/** Returns an id of the file's version. Every change writes a new file, so the id changes too. */
const versionOf = (found: Stats | undefined) => found && `${found.ino} ${found.mtimeMs}`;

export class AuthFile {
  readonly #folder: string;
  readonly #path: string;
  /** The path for a configuration that has the URL once. Never read: a login there may be another server's. Undefined if the URL is not shared. */
  readonly #unsharedPath: string | undefined;
  #known: { version: string; record: AuthRecord } | undefined;
  #recent: AuthRecord = {};
  #readAt = Number.NEGATIVE_INFINITY;
  /** The version of the file at the last read. Undefined if there was no file. */
  #seen: string | undefined;

  /**
   * The path depends on the server's URL and its client, so that a server keeps its login when it is renamed or used in another configuration. It depends
   * on the name too if the configuration has the URL more than once.
   */
  constructor(folder: string, { name, url, oauth, sharesUrl }: RemoteServerConfig) {
    const client = oauth?.clientId ?? oauth?.clientMetadataUrl ?? "";
    const pathOf = (...key: string[]) => {
      const hash = createHash("sha256").update(JSON.stringify(key)).digest("hex");
      return join(folder, `${hash.slice(0, 32)}.json`);
    };
    this.#folder = folder;
    this.#path = sharesUrl ? pathOf(url, client, name) : pathOf(url, client);
    this.#unsharedPath = sharesUrl ? pathOf(url, client) : undefined;
  }

  /**
   * Returns the record, read at most `recentMs` ago. Every request calls this method, so the method avoids even a `stat` of the file, which
   * is slow compared with the rest of the work.
   */
  recent(): AuthRecord {
    return performance.now() - this.#readAt < recentMs ? this.#recent : this.read();
  }

  /** Returns the stored record. The record is empty if the file is missing or unreadable. */
  read(): AuthRecord {
    this.#recent = this.#look();
    this.#readAt = performance.now();
    return this.#recent;
  }

  #look(): AuthRecord {
    try {
      const version = versionOf(statSync(this.#path, { throwIfNoEntry: false }));
      this.#seen = version;
      if (!version) return {};
      if (this.#known?.version !== version) {
        this.#known = { version, record: asObject(parseJson(readFileSync(this.#path, "utf8"))) ?? {} };
      }
      return this.#known.record;
    } catch {
      return {};
    }
  }

  /**
   * Sets these fields of the stored record and keeps the others. A reader sees either the old file or the new one, never a part of the new
   * one.
   */
  async change(fields: AuthRecord): Promise<void> {
    const before = this.read();
    const record = { ...before, ...fields };
    const draft = `${this.#path}.${randomUUID()}`;
    await this.#makeFolder();
    await writeFile(draft, JSON.stringify(record, null, 2), { mode: 0o600, flag: "wx" });
    await rename(draft, this.#path);
    // With the first login by name. If the other servers of the URL leave the configuration, this one would otherwise take over a login there.
    if (this.#unsharedPath && record.tokens && !before.tokens) await rm(this.#unsharedPath, { force: true });
    this.read();
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }

  /** Runs `work` in only one process at a time, because an authorization server may end the session if a refresh token is used twice. */
  async locked<T>(work: () => Promise<T>): Promise<T> {
    await this.#makeFolder();
    return withFileLock(`${this.#path}.lock`, work);
  }

  /**
   * Resolves once the file differs from the version that this object read last, for example after a login in another process. Rejects when
   * the signal aborts.
   */
  async changed(signal: AbortSignal): Promise<void> {
    while (versionOf(await stat(this.#path).catch(() => undefined)) === this.#seen)
      await sleep(changePollMs, undefined, { signal, ref: false });
  }

  async #makeFolder(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
  }
}
