import { messageOf } from "../../core/errors.js";
import type { McpConnection } from "./mcp-connection.js";

const maxWatched = 100;

/**
 * Resources of one server that are watched for changes. After the first read, a resource is watched over the current connection and over
 * every later one.
 */
export class WatchedResources {
  readonly #uris = new Set<string>();
  readonly #noticed: (text: string) => void;

  constructor(noticed: (text: string) => void) {
    this.#noticed = noticed;
  }

  has(uri: string): boolean {
    return this.#uris.has(uri);
  }

  add(uri: string, connection: McpConnection): void {
    if (this.#uris.has(uri) || this.#uris.size >= maxWatched) return;
    this.#uris.add(uri);
    this.#watch(uri, connection);
  }

  watchAll(connection: McpConnection): void {
    for (const uri of this.#uris) this.#watch(uri, connection);
  }

  #watch(uri: string, connection: McpConnection): void {
    connection.subscribe(uri).catch((error: unknown) => this.#noticed(`${uri}: ${messageOf(error)}`));
  }
}
