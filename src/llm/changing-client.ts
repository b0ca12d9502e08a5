import type { LlmConfig } from "../core/config.js";
import type { LlmClient } from "./client.js";

export type Llm = Pick<LlmClient, "resolve" | "priceOf" | "priced" | "complete">;

/**
 * A client whose configuration may change. Each request keeps the configuration with which it began; `pin` keeps one configuration for
 * several requests.
 */
export class ChangingClient implements Llm {
  #client: LlmClient;
  /** Open clients, with the number of users of each. The current client has one extra user, so that it stays open. */
  readonly #users = new Map<LlmClient, number>();

  constructor(client: LlmClient) {
    this.#client = client;
    this.#users.set(client, 1);
  }

  resolve(model?: string) {
    return this.#client.resolve(model);
  }

  wireOf(model?: string) {
    return this.#client.wireOf(model);
  }

  priceOf(provider: string, model: string) {
    return this.#client.priceOf(provider, model);
  }

  priced(model?: string) {
    return this.#client.priced(model);
  }

  async complete(...[request, options]: Parameters<LlmClient["complete"]>) {
    const client = this.#use();
    try {
      return await client.complete(request, options);
    } finally {
      this.#release(client);
    }
  }

  usableModels() {
    return this.#client.usableModels();
  }

  state() {
    return this.#client.state();
  }

  /** Returns the current client. The client stays open until the result is disposed of. */
  pin(): Disposable & { llm: Llm } {
    const client = this.#use();
    return { llm: client, [Symbol.dispose]: () => this.#release(client) };
  }

  /** Uses another configuration from now on. Requests in flight keep the earlier one. */
  change(config: LlmConfig): void {
    const before = this.#client;
    const next = before.successor(config);
    if (next === before) return;
    this.#client = next;
    this.#users.set(next, 1);
    this.#release(before);
  }

  /** Closes the connections of all clients; requests in flight fail. */
  async close(): Promise<void> {
    const clients = [...this.#users.keys()];
    this.#users.clear();
    await Promise.all(clients.map((client) => client.close()));
  }

  #use(): LlmClient {
    const client = this.#client;
    this.#users.set(client, (this.#users.get(client) ?? 0) + 1);
    return client;
  }

  #release(client: LlmClient): void {
    const users = this.#users.get(client);
    if (users === undefined) return; // `close` has already closed all clients
    if (users > 1) this.#users.set(client, users - 1);
    else {
      this.#users.delete(client);
      void client.close();
    }
  }
}
