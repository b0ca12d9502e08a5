import { availableParallelism } from "node:os";
import { isDeepStrictEqual } from "node:util";
import type { ServerConfig } from "../../core/config.js";
import { RequestError } from "../../core/errors.js";
import { didYouMean } from "../../core/text/nearest.js";
import type { SupervisedServer } from "./supervised-server.js";

/** Number of postponed servers that start at the same time in the background. On 2 cores a second one would already delay the host. */
const mostInBackground = Math.max(1, Math.floor(availableParallelism() / 4));

/** The servers of a configuration. Another configuration can be applied while calls run. */
export class ServerSet {
  readonly #newServer: (config: ServerConfig) => SupervisedServer;
  #all: readonly SupervisedServer[];
  /** Servers that were removed from the set but are not closed yet, because they still have running calls. */
  readonly #retiring = new Set<SupervisedServer>();
  #startingInBackground = 0;
  #isClosed = false;

  constructor(configs: readonly ServerConfig[], newServer: (config: ServerConfig) => SupervisedServer) {
    this.#newServer = newServer;
    this.#all = configs.map(newServer);
  }

  get all(): readonly SupervisedServer[] {
    return this.#all;
  }

  start(): void {
    for (const server of this.#all) server.start();
  }

  /** True if a server's start was postponed and may happen before the server is used. */
  get hasBackgroundStarts(): boolean {
    return this.#all.some(({ mayStartUnused }) => mayStartUnused);
  }

  /**
   * Starts the servers whose start was postponed, a few at a time, so that changes of their lists are noticed. The order is random: a short
   * run starts only some of them, and the next run others.
   */
  startNextInBackground(): void {
    while (this.#startingInBackground < mostInBackground && !this.#isClosed) {
      const postponed = this.#all.filter(({ mayStartUnused }) => mayStartUnused);
      const server = postponed[Math.floor(Math.random() * postponed.length)];
      if (!server) return;
      this.#startingInBackground++;
      void server.startInBackground().then(() => {
        this.#startingInBackground--;
        this.startNextInBackground();
      });
    }
  }

  /** Returns the server with this name. Throws RequestError if there is none. */
  named(name: string): SupervisedServer {
    const server = this.#all.find(({ config }) => config.name === name);
    if (server) return server;
    const names = this.#all.map(({ config }) => config.name);
    throw new RequestError("not_found", `there is no server ${name}${didYouMean(name, names)}`);
  }

  /**
   * Applies another configuration. A server in `stay` keeps running if its configuration is unchanged; `stay` is all servers by default.
   * New and changed servers are started. All others are retired after their running calls.
   */
  change(configs: readonly ServerConfig[], stay = this.#all): void {
    const old = this.#all;
    const before = new Set(stay);
    const fresh: SupervisedServer[] = [];
    this.#all = configs.map((config) => {
      const same = [...before].find((server) => isDeepStrictEqual(server.config, config));
      if (same) {
        before.delete(same);
        return same;
      }
      const server = this.#newServer(config);
      fresh.push(server);
      return server;
    });
    for (const server of old.filter((each) => !this.#all.includes(each))) {
      this.#retiring.add(server);
      void server.retire().then(() => this.#retiring.delete(server));
    }
    for (const server of fresh) server.start();
    this.startNextInBackground();
  }

  /**
   * Replaces the server by a new one with the same configuration, and starts it unless it is lazy. The old server ends after its running
   * calls.
   */
  reconnect(old: SupervisedServer): void {
    const { name } = old.config;
    const configs = this.#all.map(({ config }) => config);
    this.change(
      configs,
      this.#all.filter((server) => server !== old),
    );
    void this.named(name).startInBackground();
  }

  /** Closes all servers. Resolves when every process of a server has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#all, ...this.#retiring].map((server) => server.close()));
  }
}

/** Approves the server's current tool definitions, or only that of `tool`. Resolves with the approved changes, keyed by tool name. */
export async function trust(
  servers: readonly SupervisedServer[],
  name: string,
  tool?: string,
): Promise<ReadonlyMap<string, string>> {
  const server = servers.find(({ config }) => config.name === name);
  const names = servers.map(({ config }) => config.name);
  if (!server) throw new RequestError("usage", `there is no MCP server "${name}"${didYouMean(name, names)}`);
  await server.startForUse();
  await server.untilStarted(); // startForUse does not wait for an ordinary start
  server.requireUsable();
  const tools = server.lists.tools.filter((listed) => tool === undefined || listed.name === tool);
  if (tools.length > 0 || tool === undefined) return server.offered.pin(tools);
  const offered = server.lists.tools.map((listed) => listed.name);
  throw new RequestError("usage", `${name} offers no tool "${tool}"${didYouMean(tool, offered)}`);
}
