import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "./database.js";
import type { Listener } from "./listener.js";
import { maxSealedBytes, type NoticeSeal } from "./notice-seal.js";

/** Whoever writes says so here: who it is, and of which conversation. */
export const logChannel = "mcp_platform_log";

/** Without notices, how often whoever waits looks into the tables; with them, in case one was lost. */
const lookMs = 250;
const checkMs = 5_000;
/** What was written in this time is told in one transaction. */
const gatherMs = 10;
/** How long a process that leaves waits until it has told what is left, which the database may be away for. */
const lastWordsMs = 1_000;

interface NoticesParts {
  database: Database;
  listener: Listener;
  seal: NoticeSeal;
  /** Names this process among those that write. */
  origin: string;
}

/** Who has been told of what: the conversation that another process has written to, or none when it may have been any. */
export type Watcher = (conversationId?: string) => void;

/** A number that is another one when another process may have written; of what the watchers are told, it says nothing. */
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

  /** Until the returned function is called. */
  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** The payload for what is written to this conversation; SQL that sends it: `pg_notify('${logChannel}', $n)`. */
  payload(conversationId: string): string {
    const isShort = Buffer.byteLength(conversationId) < longestBytes;
    return this.#seal.seal(logChannel, `${this.#origin} ${isShort ? conversationId : ""}`);
  }

  /**
   * After the event was stored, since PostgreSQL commits transactions that NOTIFY one after the other, each with its own flush, where
   * others share one. This one waits for no flush. A process that dies before it has told anybody is missed, and whoever waits looks.
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
      await this.#database.rows("write", "idempotent", tell, [payloads]).catch(() => {}); // whoever waits looks
      await sleep(gatherMs);
    }
    this.#telling = undefined; // in the moment of the last look, so that nothing comes too late for it
  }
}

const tell = `SELECT set_config('synchronous_commit', 'off', true), pg_notify('${logChannel}', payload)
  FROM unnest($1::text[]) AS payload`;
/** Leaves room for the origin. */
const longestBytes = maxSealedBytes - 200;
