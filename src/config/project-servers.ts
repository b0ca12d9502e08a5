/** Servers of a configuration that was merely found in the working directory: starting one runs code that somebody else chose. */
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { ServerConfig } from "../core/config.js";
import type { LoadedConfig } from "./load.js";
import { readState, writeState } from "./state-file.js";
import { child } from "./tree.js";

/** Those that would be started and that are not among the user's own. */
export function projectServers({ config }: LoadedConfig, own: readonly ServerConfig[]): ServerConfig[] {
  return config.mcpServers.filter((server) => server.enabled && !own.some((mine) => isDeepStrictEqual(mine, server)));
}

/** Of what the servers do, not of the secrets that they are given: a placeholder counts as its variables. */
export function fingerprint(servers: readonly ServerConfig[], loaded: LoadedConfig): string {
  const values = (name: string, key: "env" | "headers", record: Readonly<Record<string, string>>) =>
    Object.entries(record).map(([variable, value]) => {
      const variables = loaded.variablesOf(child(child(child("/mcpServers", name), key), variable));
      return [variable, variables.length > 0 ? variables : value];
    });
  const facts = servers.map((server) =>
    server.transport === "stdio"
      ? [server.name, server.command, server.args, server.cwd, values(server.name, "env", server.env)]
      : [server.name, server.url, values(server.name, "headers", server.headers)],
  );
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}

/** The configuration without these servers, which say why they are not there. */
export function refuse(loaded: LoadedConfig, servers: readonly ServerConfig[], refusal: string): LoadedConfig {
  const mcpServers = loaded.config.mcpServers.map((server) =>
    servers.includes(server) ? { ...server, refusal } : server,
  );
  return { ...loaded, config: { ...loaded.config, mcpServers } };
}

/** One line a server: what would run. */
export function describe(server: ServerConfig): string {
  const what = server.transport === "stdio" ? [server.command, ...server.args].join(" ") : server.url;
  return `${server.name}: ${what}`;
}

/** Which lists the user has confirmed: by the path of the configuration, the fingerprint of its servers. */
export class Confirmations {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  has(configPath: string, print: string): boolean {
    return this.#all()[configPath] === print;
  }

  add(configPath: string, print: string): void {
    writeState(this.#path, { ...this.#all(), [configPath]: print });
  }

  #all(): Record<string, unknown> {
    return readState(this.#path) ?? {}; // none yet, or one that cannot be read: then the user is asked again
  }
}
