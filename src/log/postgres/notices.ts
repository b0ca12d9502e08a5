import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "./connection/database.js";
import type { Listener } from "./connection/listener.js";
import { maxSealedBytes, type NoticeSeal } from "./notice-seal.js";

/** Channel on which each writer sends its name and the conversation to which it has written. */
export const logChannel = "mcp_platform_log";

/**
 * Time, in ms, between two reads of the tables by waiting callers. `lookMs` applies if the process gets no notices; `checkMs` applies if it
 * gets notices, because a notice may be lost.
 */
const lookMs = 250;
const checkMs = 5_000;
/**
 * Time, in ms, for which writes are collected after an announcement. They are then announced together in one transaction: each announcement wakes
 * the connections of all hosts.
 */
const gatherMs = 50;
/**
 * Longest time, in ms, that a process that closes the log waits until its last announcements are sent. There is a limit, because the
 * database may be unreachable.
 */
const lastWordsMs = 1_000;

interface NoticesParts {
  database: Database;
  listener: Listener;
  seal: NoticeSeal;
  /** Name that identifies this process in the announcements of its writes. */
  origin: string;
}

/** Listener that is called after another process has written. It gets the conversation, or undefined if the conversation is unknown. */
export type LogListener = (conversationId?: string) => void;

/**
 * Announces the writes of this process and receives those of others. `version()` changes whenever another process may have written, unless
 * the write was reported to watchers.
 */
export class Notices {
  readonly #parts: NoticesParts;
  readonly #unsubscribe: () => void;
  readonly #watchers = new Set<LogListener>();
  #version = 0;
  #changedAt = performance.now();
  #untold = new Set<string>();
  #telling: Promise<void> | undefined;

  constructor(parts: NoticesParts) {
    const { listener, seal, origin } = parts;
    this.#parts = parts;
    const changed = (conversationId?: string) => {
      this.#changedAt = performance.now();
      if (this.#watchers.size === 0) this.#version++;
      for (const watcher of this.#watchers) watcher(conversationId);
    };
    this.#unsubscribe = listener.subscribe(logChannel, {
      notice: (payload) => {
        const text = seal.open(logChannel, payload);
        if (text === undefined || text.startsWith(`${origin} `)) return;
        changed(text.slice(text.indexOf(" ") + 1) || undefined);
      },
      missed: changed,
    });
  }

  /** Subscribes the watcher to writes of other processes. The returned function unsubscribes it. */
  watch(watcher: LogListener): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** Returns the payload that announces a write to this conversation. The caller sends it with `pg_notify` on `logChannel`. */
  payload(conversationId: string): string {
    const isShort = Buffer.byteLength(conversationId) < longestBytes;
    return this.#parts.seal.seal(logChannel, `${this.#parts.origin} ${isShort ? conversationId : ""}`);
  }

  /**
   * Announces a write whose event is already stored. PostgreSQL commits transactions with NOTIFY one at a time, each with its own flush to
   * disk, while other transactions share a flush. So the announcement has a transaction of its own, which waits for no flush. If the
   * process dies before it announces the write, waiting callers of other hosts still find the event, because they also read the tables.
   */
  tell(conversationId: string): void {
    this.#untold.add(conversationId);
    this.#telling ??= this.#tell();
  }

  version(): number {
    const elapsedMs = performance.now() - this.#changedAt;
    if (elapsedMs < (this.#parts.listener.isListening ? checkMs : lookMs)) return this.#version;
    this.#changedAt = performance.now();
    return ++this.#version;
  }

  async close(): Promise<void> {
    this.#unsubscribe();
    await Promise.race([this.#telling, sleep(lastWordsMs, undefined, { ref: false })]);
  }

  async #tell(): Promise<void> {
    while (this.#untold.size > 0) {
      const payloads = [...this.#untold].map((conversationId) => this.payload(conversationId));
      this.#untold = new Set();
      // The loss of an announcement does no harm, because waiting callers also read the tables.
      await this.#parts.database.rows("write", "idempotent", tell, [payloads]).catch(() => {});
      await sleep(gatherMs);
    }
    this.#telling = undefined; // `#telling` is cleared in the same microtask as the last check, so that no later call of `tell` is missed
  }
}

const tell = `SELECT set_config('synchronous_commit', 'off', true), pg_notify('${logChannel}', payload)
  FROM unnest($1::text[]) AS payload`;
/** Longest conversation id, in bytes, that fits into a payload together with the origin. */
const longestBytes = maxSealedBytes - 200;
