/** The client of a host whose configuration may change while it answers. */
import type { LlmConfig } from "../core/config.js";
import type { LlmClient } from "./client.js";

/** What is asked of a client, whichever configuration it has. */
export type Llm = Pick<LlmClient, "resolve" | "priceOf" | "priced" | "complete">;

/** Each request goes by the configuration of its beginning; who makes several pins the client for all of them. */
export class ChangingClient implements Llm {
  #client: LlmClient;
  /** Every client that is in use, with its number of users; being the present one is a use. */
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

  /** Of the present client. */
  state() {
    return this.#client.state();
  }

  /** The present client, which stays open until it is disposed of. */
  pin(): Disposable & { llm: Llm } {
    const client = this.#use();
    return { llm: client, [Symbol.dispose]: () => this.#release(client) };
  }

  /** From now on; what has begun ends by the configuration that it began with. */
  change(config: LlmConfig): void {
    const before = this.#client;
    const next = before.successor(config);
    if (next === before) return;
    this.#client = next;
    this.#users.set(next, 1);
    this.#release(before);
  }

  /** Closes the connections; requests in flight fail. */
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
    if (users === undefined) return; // all of them are closed
    if (users > 1) this.#users.set(client, users - 1);
    else {
      this.#users.delete(client);
      void client.close();
    }
  }
}
