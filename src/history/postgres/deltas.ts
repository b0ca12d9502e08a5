import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { PostgresConfig } from "../../core/config.js";
import type { BusMessage, LiveBus } from "../../core/live-bus.js";
import type { Listener } from "./listener.js";
import { maxSealedBytes, type NoticeSeal } from "./notice-seal.js";
import { connectionOf } from "./pool.js";

/** One transaction for all waiting messages, because PostgreSQL commits transactions with notices one at a time. */
const notify = "SELECT pg_notify(channel, payload) FROM unnest($1::text[], $2::text[]) AS message(channel, payload)";
/** PostgreSQL accepts names below 64 bytes. */
const maxNameBytes = 63;
/** A statement that takes longer means that the database is away. Its messages are stale by then. */
const timeoutMs = 5_000;
/** Time after which an idle connection is closed, because a balancer or firewall may have dropped it. */
const idleMs = 30_000;
const firstPauseMs = 100;
const longestPauseMs = 5_000;

/** Live events as sealed notices. They have a connection of their own, so that stored events never wait for them. */
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

  /** Sends the messages. While the database is away it resolves after a pause, so that callers do not produce messages that are lost. */
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
    // Otherwise every message would wait for the disk, although nothing of it is needed after delivery.
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
