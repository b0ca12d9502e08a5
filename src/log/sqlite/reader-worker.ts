/** The thread of a `SqliteReader`. It receives questions one at a time and answers each with a chunk of rows. */
import { parentPort, workerData } from "node:worker_threads";
import { messageOf } from "../../core/errors.js";
import { type Connection, connect } from "./connection.js";

export interface ReaderData {
  path: string;
  busyTimeoutMs: number;
}

/** A question to the thread: an SQL query, or `next`, which asks for the next chunk of rows. */
export type ReaderQuestion = { sql: string; values: readonly (string | number)[] } | "next";

export type ReaderAnswer = { rows: unknown[]; isLast: boolean } | { problem: string };

/** Rows in one chunk. The main thread needs about a millisecond to receive a chunk. */
const chunkRows = 1_000;

const opening = open(workerData as ReaderData);
let rest: unknown[] = [];

async function open({ path, busyTimeoutMs }: ReaderData): Promise<Connection> {
  const db = await connect(path);
  db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  db.exec("PRAGMA query_only = ON");
  db.exec("PRAGMA automatic_index = OFF"); // SQLite would read the whole log to make a temporary index for a few events
  return db;
}

async function answerTo(question: ReaderQuestion): Promise<ReaderAnswer> {
  try {
    const db = await opening;
    if (question !== "next") rest = db.prepare(question.sql).all(...question.values);
    const rows = rest.slice(0, chunkRows);
    rest = rest.slice(chunkRows);
    return { rows, isLast: rest.length === 0 };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

opening.catch(() => {}); // this error is not lost: the answer to each question reports it
parentPort?.on("message", async (question: ReaderQuestion) => parentPort?.postMessage(await answerTo(question)));
