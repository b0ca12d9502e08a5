import { McpError, messageOf } from "../../core/errors.js";
import type { McpConnection } from "./mcp-connection.js";

/** Maximum number of different resources of one server that all clients together can watch. */
export const maxWatched = 1000;
/** Maximum number of resources that are watched because the host has read them. */
const maxRead = 100;

interface WatchedResourcesParts {
  server: string;
  /** Returns the connection to the server. Undefined while there is none. */
  connection(): McpConnection | undefined;
  noticed(text: string): void;
}

/**
 * Resources of one server that are watched for changes: those that clients watch, and the last ones that the host has read. They are watched
 * over the current connection and over every later one.
 */
export class WatchedResources {
  readonly #parts: WatchedResourcesParts;
  /** The addresses that the host has read last, the newest at the end. */
  readonly #read = new Set<string>();
  /** Number of clients that watch each address. */
  readonly #clients = new Map<string, number>();
  /** Subscriptions over the current connection, unless the server has refused them. */
  readonly #subscriptions = new Map<string, Promise<void>>();

  constructor(parts: WatchedResourcesParts) {
    this.#parts = parts;
  }

  has(uri: string): boolean {
    return this.#read.has(uri) || this.#clients.has(uri);
  }

  addRead(uri: string): void {
    if (!this.#read.delete(uri)) this.#noticeFailure(uri, this.#subscribe(uri));
    this.#read.add(uri);
    const [oldest = uri] = this.#read;
    if (this.#read.size <= maxRead) return;
    this.#read.delete(oldest);
    this.#unsubscribeUnwatched(oldest);
  }

  /**
   * Watches a resource for a client. Resolves when the server has confirmed it, or at once while there is no connection, with the function
   * that ends it. Rejects if the subscription fails, or if clients watch too many resources.
   */
  async addClient(uri: string): Promise<() => void> {
    const clients = this.#clients.get(uri) ?? 0;
    if (clients === 0 && this.#clients.size >= maxWatched) {
      const { server } = this.#parts;
      throw new McpError(
        "unavailable",
        `clients watch ${maxWatched} resources of ${server}; further resources are not watched`,
      );
    }
    this.#clients.set(uri, clients + 1);
    let isWatching = true;
    const unwatch = () => {
      if (isWatching) this.#removeClient(uri);
      isWatching = false;
    };
    try {
      await this.#subscribe(uri);
    } catch (error) {
      unwatch();
      throw error;
    }
    return unwatch;
  }

  watchAll(): void {
    this.#subscriptions.clear();
    const uris = new Set([...this.#read, ...this.#clients.keys()]);
    for (const uri of uris) this.#noticeFailure(uri, this.#subscribe(uri));
  }

  #removeClient(uri: string): void {
    const others = (this.#clients.get(uri) ?? 0) - 1;
    if (others > 0) this.#clients.set(uri, others);
    else this.#clients.delete(uri);
    this.#unsubscribeUnwatched(uri);
  }

  async #subscribe(uri: string): Promise<void> {
    const connection = this.#parts.connection();
    const subscription = this.#subscriptions.get(uri) ?? connection?.subscribe(uri);
    if (!subscription) return; // `watchAll` subscribes as soon as there is a connection
    this.#subscriptions.set(uri, subscription);
    try {
      await subscription;
    } catch (error) {
      if (this.#subscriptions.get(uri) === subscription) this.#subscriptions.delete(uri);
      throw error;
    }
  }

  #unsubscribeUnwatched(uri: string): void {
    if (this.has(uri) || !this.#subscriptions.delete(uri)) return;
    this.#noticeFailure(uri, this.#parts.connection()?.unsubscribe(uri));
  }

  #noticeFailure(uri: string, request: Promise<void> | undefined): void {
    request?.catch((error: unknown) => this.#parts.noticed(`${uri}: ${messageOf(error)}`));
  }
}
