/** Shows and changes the servers of the configuration files, for front doors. */
import { homedir } from "node:os";
import { entryProblems, holdsSecret } from "../config/edit/check-entry.js";
import {
  type ChangedFile,
  type ConfigFile,
  type ConfigLocation,
  changeConfigFile,
  readConfigFile,
} from "../config/edit/config-file.js";
import type { ServerEdit } from "../config/edit/server-edit.js";
import { shownEntry, withSecretsOf } from "../config/edit/shown-entry.js";
import type { LoadedConfig } from "../config/reading/load.js";
import type { Config, ConfiguredServer } from "../core/config.js";
import type { Environment } from "../core/environment.js";
import { RequestError } from "../core/errors.js";
import { stateFolder } from "../core/files/state-folder.js";
import { asObject, isPlainObject, type JsonObject } from "../core/json.js";
import type { ImportedEntry, NamedEntry, ServerSetting, ServerSettings } from "../core/server-settings.js";
import { child } from "../core/source/tree.js";
import { didYouMean } from "../core/text/nearest.js";
import { AuthFile } from "../mcp/auth/auth-file.js";
import { createLogins } from "./user-state.js";

export interface ServerEntriesParts {
  env: Environment;
  /** Returns the configuration in force. */
  config(): Config;
  /** The files as a running host reads them and applies their changes. */
  files: {
    readonly read: LoadedConfig;
    readonly locations: readonly ConfigLocation[];
    change<Changed extends ChangedFile>(edit: () => Promise<Changed>): Promise<{ changed: Changed; warning?: string }>;
  };
}

export class ServerEntries implements ServerSettings {
  readonly #parts: ServerEntriesParts;

  constructor(parts: ServerEntriesParts) {
    this.#parts = parts;
  }

  async all(): Promise<ReadonlyMap<string, ServerSetting>> {
    const { files, config } = this.#parts;
    const written = this.#files();
    const settings = config().mcpServers.map((server): [string, ServerSetting] => {
      const { name, enabled: isEnabled } = server;
      const entry = fileWith(name, written)?.servers[name];
      const origin = files.read.originOf(child("/mcpServers", name));
      const source = /^(.*):\d+$/.exec(origin)?.[1];
      return [
        name,
        {
          ...(source !== undefined && { source }),
          isEnabled,
          ...(isPlainObject(entry) && { entry: shownEntry(entry) }),
          canLogOut: this.#isLoggedIn(server),
        },
      ];
    });
    return new Map(settings);
  }

  async read(text: string) {
    const { readPasted } = await import("../config/import/pasted-servers.js");
    return readPasted(text, this.#surroundings());
  }

  add({ name, entry }: NamedEntry): Promise<string[]> {
    const { mcpServers } = this.#parts.files.read.config;
    return this.#set(name, this.#first(), ({ file, servers }) => {
      if (Object.hasOwn(servers, name) || mcpServers.some((server) => server.name === name))
        throw new RequestError("exists", `${file} has a server "${name}" already`, { hint: "give it another name" });
      return withSecretsOf({}, entry);
    });
  }

  replace({ name, entry }: NamedEntry): Promise<string[]> {
    return this.#set(name, this.#locationOf(name), ({ servers }) =>
      withSecretsOf(asObject(servers[name]) ?? {}, entry),
    );
  }

  enable(name: string, isEnabled: boolean): Promise<string[]> {
    return this.#change(this.#locationOf(name), (target) => {
      const entry = { ...asObject(target.servers[name]), enabled: isEnabled, disabled: undefined };
      if (isEnabled) this.#check(name, entry, target);
      return [{ kind: "enable", name, enabled: isEnabled }];
    });
  }

  remove(name: string): Promise<string[]> {
    return this.#change(this.#locationOf(name), () => [{ kind: "remove", name }]);
  }

  async found() {
    const { findAll } = await import("../config/import/find-files.js");
    const names = new Set(this.#parts.files.read.config.mcpServers.map(({ name }) => name));
    const found = findAll(this.#surroundings());
    const servers = found.flatMap(({ program: { tool: program, title }, imported }) => {
      if ("problem" in imported) return [];
      const { file, isOfFolder = false } = imported;
      return imported.servers.flatMap(({ name, entry, notes, skipped }) => {
        const common = { program, title, file, isOfFolder, isTaken: names.has(name), notes: notes.map(noteText) };
        return skipped === undefined ? [{ ...common, name, entry: shownEntry(entry) }] : [];
      });
    });
    const problems = found.flatMap(({ program: { title }, path, imported }) =>
      "problem" in imported ? [{ title, file: path, message: imported.problem }] : [],
    );
    return { servers, problems };
  }

  async take(chosen: readonly { program: string; name: string }[]) {
    const { findAll } = await import("../config/import/find-files.js");
    const { planImport } = await import("../config/import/import-plan.js");
    const files = findAll(this.#surroundings()).flatMap(({ program: { tool }, imported }) => {
      if ("problem" in imported) return [];
      const isChosen = (name: string) => chosen.some((each) => each.program === tool && each.name === name);
      return [{ ...imported, servers: imported.servers.filter(({ name }) => isChosen(name)) }];
    });
    const { env } = this.#parts;
    const { changed, notices } = await this.#write(this.#first(), (target) =>
      planImport(files, { ...target, env }, { replace: false, secrets: target.isPrivate ? "keep" : "refer" }),
    );
    const servers = changed.plan.servers.map(
      ({ name, outcome, isOff, reason, notes }): ImportedEntry => ({
        name,
        outcome: isOff ? `${outcome}, switched off` : outcome,
        reason,
        notes: notes.map(noteText),
      }),
    );
    return { servers, notices };
  }

  async logout(name: string): Promise<string> {
    const logins = await createLogins(this.#parts.config().mcpServers, this.#parts.env, () => {});
    return logins.logout(name);
  }

  #set(name: string, location: ConfigLocation, entryIn: (target: ConfigFile) => JsonObject): Promise<string[]> {
    return this.#change(location, (target) => {
      const entry = entryIn(target);
      this.#check(name, entry, target);
      return [{ kind: "set", name, entry }];
    });
  }

  /** Throws RequestError if the entry is invalid. A host with such an entry would not start again. */
  #check(name: string, entry: JsonObject, { folder }: ConfigFile): void {
    const wrong = entryProblems(name, entry, { env: this.#parts.env, folder });
    if (wrong) throw new RequestError("usage", `${name}: ${wrong}`);
  }

  async #change(location: ConfigLocation, editsOf: (target: ConfigFile) => ServerEdit[]): Promise<string[]> {
    const { notices } = await this.#write(location, (target) => {
      const edits = editsOf(target);
      const hasSecrets = edits.some((edit) => edit.kind === "set" && holdsSecret(edit.name, edit.entry));
      return { edits, hasSecrets };
    });
    return notices;
  }

  async #write<Plan extends ChangedFile["plan"]>(location: ConfigLocation, plan: (target: ConfigFile) => Plan) {
    const { changed, warning } = await this.#parts.files.change(() => changeConfigFile(location, plan));
    return { changed, notices: [...changed.notices, ...(warning === undefined ? [] : [warning])] };
  }

  /** Returns the location of the file that has the server. Throws RequestError if this host cannot change the server. */
  #locationOf(name: string): ConfigLocation {
    const { files } = this.#parts;
    const file = fileWith(name, this.#files());
    const location = files.locations.find(({ path }) => path === file?.path);
    if (location) return location;
    const names = files.read.config.mcpServers.map((server) => server.name);
    if (!names.includes(name))
      throw new RequestError("not_found", `the configuration has no server "${name}"${didYouMean(name, names)}`);
    const origin = files.read.originOf(child("/mcpServers", name)).replace(/:\d+$/, "");
    throw new RequestError("usage", `${name} is defined in ${origin}: change it there`);
  }

  #files(): ConfigFile[] {
    return this.#parts.files.locations.map(readConfigFile);
  }

  #first(): ConfigLocation {
    const [location] = this.#parts.files.locations;
    if (!location) throw new RequestError("usage", "there is no configuration file to write to");
    return location;
  }

  #isLoggedIn(server: ConfiguredServer): boolean {
    if (server.transport === "stdio") return false;
    return new AuthFile(stateFolder(this.#parts.env, "auth"), server).read().tokens !== undefined;
  }

  #surroundings() {
    const { env } = this.#parts;
    return { platform: process.platform, env, home: homedir(), cwd: process.cwd() };
  }
}

function fileWith(name: string, files: readonly ConfigFile[]): ConfigFile | undefined {
  return files.find(({ servers }) => Object.hasOwn(servers, name));
}

function noteText({ key, text }: { key: string; text: string }): string {
  return key ? `${key}: ${text}` : text;
}
