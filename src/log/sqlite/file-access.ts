import { statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { RequestError, StoreError } from "../../core/errors.js";
import { type Connection, inMemory } from "./connection.js";
import { isLocked, storeError } from "./store-errors.js";
import { transaction } from "./transaction.js";

const retryMs = 5;

/** Runs `work`. While another program has locked the file, runs it again, until the time `until` of `performance.now`. */
export async function whileLocked<T>(work: () => T, until: number): Promise<T> {
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!isLocked(error) || performance.now() >= until) throw error;
    }
    await sleep(retryMs);
  }
}

/**
 * Reads and writes of a connection, with their errors as StoreErrors. A write waits for the lock of another program with a timer. SQLite's own
 * wait would stop the event loop: all streams, probes and signals of the host would wait for that program, too.
 */
export class FileAccess {
  readonly #db: Connection;
  readonly #path: string;
  readonly #patienceMs: number;
  /** Identity of the file that the connection has open. */
  readonly #file: string | undefined;
  /** Resolves when no write waits for the lock any more. Undefined if none waits. */
  #waiting: Promise<void> | undefined;

  /** `patienceMs`: longest time that a write waits for the lock, in ms. */
  constructor(db: Connection, { path, patienceMs }: { path: string; patienceMs: number }) {
    this.#db = db;
    this.#path = path;
    this.#patienceMs = patienceMs;
    this.#file = fileAt(path);
  }

  /**
   * Throws StoreError if the file was deleted, or replaced by another one, since it was opened. The system keeps a deleted file until it is
   * closed: all that is written to it would be lost then.
   */
  requireSameFile(): void {
    if (this.#path === inMemory || fileAt(this.#path) === this.#file) return;
    throw new StoreError("open", `the event log ${this.#path} was deleted or replaced while this host ran`, {
      hint: "Restart this host. Before you delete the log or restore a copy, end all hosts that use it.",
    });
  }

  /** Runs `work`, which reads. Throws StoreError. */
  read<T>(work: () => T): T {
    return this.#run("read", work);
  }

  /**
   * Runs `work`, which is one statement that writes. While another program holds the lock, runs it again; writes that wait keep their order.
   * Rejects with StoreError, or with a RequestError of `work`.
   */
  async write<T>(work: () => T): Promise<T> {
    if (!this.#waiting) {
      try {
        return this.#run("write", work);
      } catch (error) {
        if (!isLocked(error)) throw error;
      }
    }
    const until = performance.now() + this.#patienceMs;
    const written = (this.#waiting ?? Promise.resolve()).then(() => whileLocked(() => this.#run("write", work), until));
    const waiting = written.then(ignore, ignore).then(() => {
      if (this.#waiting === waiting) this.#waiting = undefined;
    });
    this.#waiting = waiting;
    return written;
  }

  /** Runs `work` in a transaction, and otherwise as `write` does. */
  transaction<T>(work: () => T): Promise<T> {
    return this.write(() => transaction(this.#db, work));
  }

  /** Resolves when the writes that wait now are over. */
  async settled(): Promise<void> {
    await this.#waiting;
  }

  #run<T>(doing: "read" | "write", work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw error instanceof RequestError ? error : storeError(error, this.#path, doing);
    }
  }
}

/** Returns the identity of the file at this path, or undefined if there is none. */
function fileAt(path: string): string | undefined {
  const file = statSync(path, { throwIfNoEntry: false });
  return file && `${file.dev}:${file.ino}`;
}

const ignore = () => {};
