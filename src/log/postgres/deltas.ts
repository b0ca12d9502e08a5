import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { BusMessage, LiveBus } from "../../core/chat-store.js";
import type { PostgresConfig } from "../../core/config.js";
import type { Listener } from "./connection/listener.js";
import { connectionOf } from "./connection/pool.js";
import { maxSealedBytes, type NoticeSeal } from "./notice-seal.js";

/** Sends all waiting messages in one transaction, because PostgreSQL commits transactions that notify one at a time. */
const notify = "SELECT pg_notify(channel, payload) FROM unnest($1::text[], $2::text[]) AS message(channel, payload)";
/** Longest channel name, in bytes: PostgreSQL accepts names of less than 64 bytes. */
const maxNameBytes = 63;
/**
 * Time limit, in ms, for a statement. A database that does not answer within this time counts as unreachable, and the messages are out of
 * date by then anyway.
 */
const timeoutMs = 5_000;
/** Time, in ms, after which an unused connection is closed, because a load balancer or firewall may have dropped it. */
const idleMs = 30_000;
const firstPauseMs = 100;
const longestPauseMs = 5_000;

/**
 * The bus for live events, which sends them as encrypted PostgreSQL notices. It has a connection of its own, so that storing events never
 * waits for live events.
 */
export class PostgresBus implements LiveBus {
  readonly maxBytes = maxSealedBytes;
  readonly #config: PostgresConfig;
  readonly #listener: Listener;
  readonly #seal: NoticeSeal;
  readonly #closed = new AbortController();
  #client: pg.Client | undefined;
  #idle: NodeJS.Timeout | undefined;
  #pauseMs = firstPauseMs;

  constructor(config: PostgresConfig, listener: Listener, seal: NoticeSeal) {
    this.#config = config;
    this.#listener = listener;
    this.#seal = seal;
  }

  /**
   * Sends the messages. If the database cannot be reached, the messages are lost, and the promise resolves only after a pause, so that
   * callers do not try again at once.
   */
  async send(messages: readonly BusMessage[]): Promise<void> {
    const fitting = messages.filter(({ text }) => Buffer.byteLength(text) <= maxSealedBytes);
    if (fitting.length === 0 || this.#closed.signal.aborted) return;
    const channels = fitting.map(({ channel }) => nameOf(channel));
    try {
      const client = this.#client ?? (await this.#connect());
      const sealed = fitting.map(({ text }, index) => this.#seal.seal(channels[index] as string, text));
      await client.query(notify, [channels, sealed]);
      this.#pauseMs = firstPauseMs;
      this.#idle?.refresh();
    } catch {
      this.#drop(this.#client);
      await sleep(this.#pauseMs, undefined, { signal: this.#closed.signal, ref: false }).catch(() => {});
      this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs);
    }
  }

  receive(channel: string, onMessage: (text: string) => void, onBegin: () => void): () => void {
    const name = nameOf(channel);
    const notice = (payload: string) => {
      const text = this.#seal.open(name, payload);
      if (text !== undefined) onMessage(text);
    };
    return this.#listener.subscribe(name, { notice, missed: onBegin });
  }

  /** Closes the connection. Can be called more than once. */
  close(): void {
    this.#closed.abort();
    this.#drop(this.#client);
  }

  async #connect(): Promise<pg.Client> {
    const limits = { connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs };
    const client = new pg.Client({ ...connectionOf(this.#config), ...limits });
    this.#client = client;
    client.on("error", () => this.#drop(client));
    client.on("end", () => this.#drop(client));
    await client.connect();
    // With synchronous commits, each message would wait for a write to disk, but messages need not survive a crash.
    await client.query("SET synchronous_commit = off");
    this.#idle = setTimeout(() => this.#drop(client), idleMs);
    this.#idle.unref();
    return client;
  }

  #drop(client: pg.Client | undefined): void {
    if (!client || this.#client !== client) return;
    this.#client = undefined;
    clearTimeout(this.#idle);
    client.connection.stream.destroy();
  }
}

function nameOf(channel: string): string {
  const name = `mcp_platform_${channel}`;
  if (Buffer.byteLength(name) <= maxNameBytes) return name;
  return `mcp_platform_${createHash("sha256").update(channel).digest("hex").slice(0, 40)}`;
}
