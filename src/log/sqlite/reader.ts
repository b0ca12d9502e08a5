import { Worker } from "node:worker_threads";
import { builtFile } from "../../core/built-file.js";
import { StoreError } from "../../core/errors.js";
import type { Connection } from "./connection.js";
import type { FileAccess } from "./file-access.js";
import type { ReaderAnswer, ReaderData, ReaderQuestion } from "./reader-worker.js";
import { storeError } from "./store-errors.js";

/** Runs queries that read the whole log. Methods reject with StoreError. */
export interface LogReader {
  rows<Row>(sql: string, values?: readonly (string | number)[]): Promise<Row[]>;
  close(): Promise<void>;
}

/** Returns the reader of a log in memory, which no other connection can reach. */
export function connectionReader(db: Connection, access: FileAccess): LogReader {
  return {
    rows: async <Row>(sql: string, values: readonly (string | number)[] = []) =>
      access.read(() => db.prepare(sql).all(...values)) as Row[],
    close: async () => {},
  };
}

/**
 * Runs queries that read the whole log, in a thread that has a connection of its own. The first read starts the thread. With 100,000
 * conversations a read takes seconds. In the main thread, such a read would delay the host's heartbeats, and other hosts would take over
 * its turns.
 */
export class SqliteReader implements LogReader {
  readonly #data: ReaderData;
  #worker: Worker | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;
  /** The answer that the thread gave last, or is about to give. */
  #answer: Promise<ReaderAnswer> | undefined;

  constructor(data: ReaderData) {
    this.#data = data;
  }

  /** Runs a query after all earlier ones have ended. Resolves with its rows. */
  rows<Row>(sql: string, values: readonly (string | number)[] = []): Promise<Row[]> {
    const reading = this.#last.then(() => this.#read<Row>(sql, values));
    this.#last = reading.catch(() => {});
    return reading;
  }

  /**
   * Waits for the answer to the current read, then stops the thread. Rejects all reads that have not ended by then. Stopping the thread
   * during a call of SQLite would end the whole process, because the package of SQLite throws an error that nothing can catch.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#answer?.catch(() => {});
    await this.#worker?.terminate();
  }

  async #read<Row>(sql: string, values: readonly (string | number)[]): Promise<Row[]> {
    const rows: unknown[] = [];
    for (let question: ReaderQuestion = { sql, values }; ; question = "next") {
      const answer = await this.#ask(question);
      if ("problem" in answer) throw storeError(new Error(answer.problem), this.#data.path, "read");
      for (const row of answer.rows) rows.push(row);
      if (answer.isLast) return rows as Row[];
      await new Promise(setImmediate); // lets the main thread do other work between two chunks
    }
  }

  /** Sends a question to the thread. The thread keeps the process alive until it has answered. */
  #ask(question: ReaderQuestion): Promise<ReaderAnswer> {
    const { path } = this.#data;
    if (this.#isClosed) return Promise.reject(new StoreError("write", `the event log ${path} is closed`));
    const worker = this.#started();
    const answer = new Promise<ReaderAnswer>((resolve, reject) => {
      const settle = () => {
        worker.off("message", hear).off("error", fail).off("exit", end);
        if (!this.#isClosed) worker.unref(); // a closing reader keeps the process alive until its thread has ended
      };
      const hear = (answer: ReaderAnswer) => {
        settle();
        resolve(answer);
      };
      const fail = (error: unknown) => {
        settle();
        reject(storeError(error, path, "read"));
      };
      const end = () => fail(new Error("its reader has ended"));
      worker.on("message", hear).on("error", fail).on("exit", end).ref();
      worker.postMessage(question);
    });
    this.#answer = answer;
    return answer;
  }

  #started(): Worker {
    if (this.#worker) return this.#worker;
    const script = builtFile("log/sqlite/reader-worker.js");
    const worker = new Worker(script, { workerData: this.#data, argv: [], execArgv: [] });
    worker
      .on("error", () => {}) // `#ask` reports the error to the waiting read
      .on("exit", () => {
        if (this.#worker === worker) this.#worker = undefined;
      });
    this.#worker = worker;
    return worker;
  }
}
