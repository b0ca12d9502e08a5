import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "./database.js";
import type { Listener } from "./listener.js";
import { maxSealedBytes, type NoticeSeal } from "./notice-seal.js";

/** Channel on which each writer announces its name and the conversation it has written to. */
export const logChannel = "mcp_platform_log";

/** Time between reads of the tables by waiting callers: `lookMs` without notices, `checkMs` with them in case one is lost. */
const lookMs = 250;
const checkMs = 5_000;
/** Writes within this time are announced in one transaction. */
const gatherMs = 10;
/** Longest wait of a leaving process for its last announcements, since the database may be away. */
const lastWordsMs = 1_000;

interface NoticesParts {
  database: Database;
  listener: Listener;
  seal: NoticeSeal;
  /** Name of this process among the writers. */
  origin: string;
}

/** Receives the conversation that another process has written to, or undefined if it may be any. */
export type Watcher = (conversationId?: string) => void;

/** Announcements of writes. `version()` changes when another process may have written, except for writes that watchers are notified of. */
export class Notices {
  readonly #origin: string;
  readonly #seal: NoticeSeal;
  readonly #database: Database;
  readonly #listener: Listener;
  readonly #unsubscribe: () => void;
  readonly #watchers = new Set<Watcher>();
  #version = 0;
  #changedAt = performance.now();
  #untold = new Set<string>();
  #telling: Promise<void> | undefined;

  constructor({ database, listener, seal, origin }: NoticesParts) {
    this.#origin = origin;
    this.#seal = seal;
    this.#database = database;
    this.#listener = listener;
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

  /** Notifies the watcher until the returned function is called. */
  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** Returns the payload that announces a write to this conversation. SQL that sends it: `pg_notify('${logChannel}', $n)`. */
  payload(conversationId: string): string {
    const isShort = Buffer.byteLength(conversationId) < longestBytes;
    return this.#seal.seal(logChannel, `${this.#origin} ${isShort ? conversationId : ""}`);
  }

  /**
   * Announces a write once its event is stored. PostgreSQL commits transactions with NOTIFY one after the other, each with its own flush;
   * other transactions share one. The announcement waits for no flush. If the process dies before it, waiting callers still read the
   * tables.
   */
  tell(conversationId: string): void {
    this.#untold.add(conversationId);
    this.#telling ??= this.#tell();
  }

  version(): number {
    const elapsedMs = performance.now() - this.#changedAt;
    if (elapsedMs < (this.#listener.isListening ? checkMs : lookMs)) return this.#version;
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
      await this.#database.rows("write", "idempotent", tell, [payloads]).catch(() => {}); // waiting callers read the tables anyway
      await sleep(gatherMs);
    }
    this.#telling = undefined; // in the same microtask as the last check, so that no later call is missed
  }
}

const tell = `SELECT set_config('synchronous_commit', 'off', true), pg_notify('${logChannel}', payload)
  FROM unnest($1::text[]) AS payload`;
/** Leaves room for the origin. */
const longestBytes = maxSealedBytes - 200;
