import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { PostgresConfig } from "../../../core/config.js";
import { messageOf } from "../../../core/errors.js";
import type { Observe } from "../../../core/ports.js";
import { connectionOf } from "./pool.js";
import { addressOf, storeError } from "./store-errors.js";

export interface Subscriber {
  /** Called with the payload of each notice (`pg_notify`). */
  notice(payload: string): void;
  /**
   * Called when listening begins, and when it begins again after a lost connection. Earlier notices may have been lost, so the subscriber
   * should read the tables.
   */
  missed(): void;
}

const firstPauseMs = 50;
const longestPauseMs = 5_000;
/** Time, in ms, between two probes of the connection. The system may take hours to notice that an unused connection is dead. */
const probeMs = 10_000;
const probeTimeoutMs = 5_000;

/**
 * The only connection of this process that listens for notices (LISTEN). This connection serves all channels. If it is lost, a new one is
 * opened.
 */
export class Listener {
  readonly #config: PostgresConfig;
  readonly #observe: Observe;
  readonly #subscribers = new Map<string, Set<Subscriber>>();
  readonly #closed = new AbortController();
  #client: pg.Client | undefined;
  #ended: Promise<void> | undefined;

  /** The listener never connects if the configuration says that LISTEN is not available. */
  constructor(config: PostgresConfig, observe: Observe) {
    this.#config = config;
    this.#observe = observe;
  }

  /** True while the process is listening for notices. If false, waiting callers must poll. */
  get isListening(): boolean {
    return this.#client !== undefined;
  }

  /**
   * Passes the notices of the channel to the subscriber. The first subscription opens the connection. Returns a function that unsubscribes.
   */
  subscribe(channel: string, subscriber: Subscriber): () => void {
    const there = this.#subscribers.get(channel) ?? new Set();
    const said = there.size === 0 ? this.#say(`LISTEN ${pg.escapeIdentifier(channel)}`) : Promise.resolve();
    void said.then(() => this.isListening && subscriber.missed());
    this.#subscribers.set(channel, there.add(subscriber));
    if (this.#config.listen !== false) this.#ended ??= this.#stay();
    return () => {
      there.delete(subscriber);
      if (there.size > 0 || !this.#subscribers.delete(channel)) return;
      void this.#say(`UNLISTEN ${pg.escapeIdentifier(channel)}`);
    };
  }

  /** Closes the connection. Can be called more than once. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#ended;
  }

  /**
   * Runs LISTEN or UNLISTEN on the current connection. Does nothing if there is no connection: a new connection listens to all channels
   * from its start.
   */
  async #say(statement: string): Promise<void> {
    const client = this.#client;
    await client?.query(statement).catch(() => client.end());
  }

  /**
   * Passes a notice to the subscriber. If the subscriber throws, the error is only logged, because any role that can connect may send any
   * payload.
   */
  #pass(subscriber: Subscriber, channel: string, payload: string): void {
    try {
      subscriber.notice(payload);
    } catch (error) {
      const message = `a notice on ${channel} cannot be read: ${messageOf(error)}`;
      this.#observe({ level: "warn", scope: "history", message });
    }
  }

  async #stay(): Promise<void> {
    let pauseMs = firstPauseMs;
    for (let lost: unknown; !this.#closed.signal.aborted; ) {
      try {
        await this.#listen(() => {
          if (lost)
            this.#observe({ level: "info", scope: "history", message: "notices from other hosts arrive again" });
          lost = undefined;
          pauseMs = firstPauseMs;
        });
      } catch (error) {
        if (this.#closed.signal.aborted) return;
        if (!lost) {
          const { message } = storeError(error, addressOf(this.#config.url), "read");
          this.#observe({
            level: "warn",
            scope: "history",
            message: `this host gets no notices from other hosts: ${message}`,
          });
        }
        lost = error;
      }
      await sleep(pauseMs, undefined, { signal: this.#closed.signal, ref: false }).catch(() => {});
      pauseMs = Math.min(2 * pauseMs, longestPauseMs);
    }
  }

  /** Listens for notices. Rejects when the connection is lost or `close` is called. */
  async #listen(onReady: () => void): Promise<void> {
    // Pipeline mode, because a subscription may be sent while another statement runs. Without this mode, pg prints a warning.
    const client = new pg.Client({ ...connectionOf(this.#config), pipeline: true, query_timeout: probeTimeoutMs });
    const end = () => client.connection.stream.destroy();
    const lost = new Promise<never>((_resolve, reject) => {
      client.on("error", reject);
      client.on("end", () => reject(new Error("Connection terminated")));
    });
    lost.catch(() => {});
    this.#closed.signal.addEventListener("abort", end);
    try {
      client.on("notification", ({ channel, payload = "" }) => {
        for (const subscriber of this.#subscribers.get(channel) ?? []) this.#pass(subscriber, channel, payload);
      });
      await client.connect();
      this.#client = client; // subscriptions that are added from now on run LISTEN on this client
      const channels = [...this.#subscribers.keys()].map((channel) => `LISTEN ${pg.escapeIdentifier(channel)}`);
      await client.query(channels.join(";"));
      onReady();
      for (const subscribers of this.#subscribers.values()) for (const each of subscribers) each.missed();
      for (;;) {
        await Promise.race([lost, sleep(probeMs, undefined, { signal: this.#closed.signal, ref: false })]);
        await client.query("SELECT 1");
      }
    } finally {
      this.#client = undefined;
      this.#closed.signal.removeEventListener("abort", end);
      end();
    }
  }
}
