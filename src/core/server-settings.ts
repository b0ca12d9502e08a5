/** Ports for front doors that show and change the servers and settings of the configuration. */
import type { JsonObject } from "./json.js";

export interface ServerSetting {
  /** The file that defines the server. Undefined if no file does. */
  source?: string;
  isEnabled: boolean;
  /** The entry as it is written in the file, without its secrets. Undefined if this host cannot change it. */
  entry?: JsonObject;
  /** True if this host is logged in to the server. */
  canLogOut: boolean;
}

export interface NamedEntry {
  name: string;
  /** The server in the shape of `mcpServers`. */
  entry: JsonObject;
}

/** A server that another program of this machine has. */
interface FoundServer extends NamedEntry {
  program: string;
  /** Name of the program for people. */
  title: string;
  file: string;
  /** True if the file lies in the working directory. Anybody may have written such a file. */
  isOfFolder: boolean;
  /** True if the configuration has a server of this name. It is not replaced. */
  isTaken: boolean;
  notes: readonly string[];
}

/** The outcome of the import of one server. */
export interface ImportedEntry {
  name: string;
  outcome: string;
  reason?: string | undefined;
  notes: readonly string[];
}

/**
 * The servers of the configuration. Every change is written to the configuration file and applied at once. The changing methods resolve with
 * notices for the user, and reject with RequestError if the change is not possible.
 */
export interface ServerSettings {
  /** Returns facts about the servers of the configuration, by name. */
  all(): Promise<ReadonlyMap<string, ServerSetting>>;
  /** Returns the servers that a copied text has: a command line, a URL or a part of a configuration. Rejects with RequestError. */
  read(text: string): Promise<readonly (NamedEntry & { notes: readonly string[] })[]>;
  add(server: NamedEntry): Promise<string[]>;
  /** Replaces the entry. A value that stands for a secret, as in the entry of `all`, keeps the secret. */
  replace(server: NamedEntry): Promise<string[]>;
  enable(name: string, isEnabled: boolean): Promise<string[]>;
  remove(name: string): Promise<string[]>;
  /** Returns the servers that other programs have, and the files that cannot be read. */
  found(): Promise<{ servers: FoundServer[]; problems: { title: string; file: string; message: string }[] }>;
  /** Adds servers that `found` returns. */
  take(chosen: readonly { program: string; name: string }[]): Promise<{ servers: ImportedEntry[]; notices: string[] }>;
  /** Logs out at a remote server. */
  logout(name: string): Promise<string>;
}

/** Settings by their path in the configuration, such as `chat.service.approval`. A value that is not set is null. */
export type SettingValues = Readonly<Record<string, string | number | null>>;

/** A provider that can answer in place of the demo model. */
export interface OfferedProvider {
  name: string;
  /** Empty if the person has to write it. */
  baseUrl: string;
  needsKey: boolean;
  /** The models of a server that was found on this machine. */
  models: readonly string[];
}

/** The choice of a person. A part that is left out is as the configuration or the preset has it. */
export interface ProviderChoice {
  provider: string;
  baseUrl?: string | undefined;
  apiKey?: string | undefined;
  model?: string | undefined;
}

export interface TriedModel {
  /** Why the model is not in use, for a person. It contains no key. */
  problem?: string;
  /** Names of the models that the provider lists. */
  models: readonly string[];
}

export interface HostSettings {
  /** Returns the file in which changes are written, and the values that are in effect. */
  all(): { file: string; values: SettingValues };
  /**
   * Writes settings to the configuration file and applies them at once. Null takes a setting out of the file. Resolves with notices for the
   * user. Rejects with RequestError if a value is not valid, and writes nothing then.
   */
  change(values: SettingValues): Promise<string[]>;
  /** Resolves with the providers that can be chosen. Servers that were found on this machine come first. */
  offeredProviders(): Promise<OfferedProvider[]>;
  /**
   * Asks the model. If it answers, writes the choice to the configuration file and applies it at once. Rejects with RequestError if the
   * choice is not valid, or if others could read the key in the file.
   */
  tryModel(choice: ProviderChoice, signal: AbortSignal): Promise<TriedModel>;
}
