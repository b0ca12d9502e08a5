import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import type { ChatStore } from "../../src/core/chat-store.js";
import { connect } from "../../src/log/sqlite/connection.js";
import { SqliteReader } from "../../src/log/sqlite/reader.js";
import { openSqliteStore } from "../../src/log/sqlite/store.js";
import { append, inFolder, turn } from "./support.js";

const conversations = 2_500;
/** A page so long that it is read in the other thread. */
const all = { most: conversations };
const always = { since: 0, until: Number.MAX_SAFE_INTEGER };

/** Makes a log with `conversations` conversations of one request each. */
function withLog(work: (store: ChatStore, path: string) => Promise<void>): Promise<void> {
  return inFolder(async (folder) => {
    const path = join(folder, "events.db");
    const store = await openSqliteStore(path, { now: Date.now, observe: () => {} });
    await append(store, "c1", turn("t1").user("hello"));
    const db = await connect(path);
    const numbers = `WITH RECURSIVE numbers(n) AS (VALUES (2) UNION ALL SELECT n + 1 FROM numbers WHERE n < ${conversations})`;
    db.exec(
      `UPDATE conversations SET touched = 1, updated_at = 1 WHERE number = 1;
       INSERT INTO conversations (number, conversation_id, touched, updated_at, title, title_lower)
         ${numbers} SELECT n, 'c' || n, n, n, 'hello', 'hello' FROM numbers`,
    );
    db.exec(
      `INSERT INTO entries ${numbers} SELECT n << 32 | 1, 't' || n, type, 'r', payload, at, 1 FROM numbers, entries WHERE id = 1 << 32 | 1`,
    );
    db.close();
    await work(store, path);
    await store.close();
  });
}

/** Counts the rounds of this thread's event loop during the work; zero if the work blocks this thread. */
async function roundsDuring(work: () => Promise<unknown>): Promise<number> {
  let rounds = 0;
  let next: NodeJS.Immediate;
  const round = () => {
    rounds++;
    next = setImmediate(round);
  };
  next = setImmediate(round);
  await work();
  clearImmediate(next);
  return rounds;
}

/** Returns true if the read happens in another thread. Then it cannot have ended before this thread looks for messages. */
async function isElsewhere(read: () => Promise<unknown>): Promise<boolean> {
  let hasEnded = false;
  const reading = read().finally(() => {
    hasEnded = true;
  });
  for (let count = 0; count < 100; count++) await null;
  const isStillReading = !hasEnded;
  await reading;
  return isStillReading;
}

test("reading the whole log does not block this thread", () =>
  withLog(async (store) => {
    const reads: Record<string, () => Promise<unknown>> = {
      usage: () => store.usage.models([always]),
      "usage by tool": () => store.usage.tools([always]),
      "usage by conversation": () => store.usage.conversations(always, 10),
      "a long page": () => store.conversations(all),
      "a search": () => store.conversations({ most: 10, text: "nowhere" }),
      "of a workspace": () => store.conversations({ most: 10, workspaces: ["/elsewhere"] }),
      "for retention": () => store.archive.expiring({ beyond: 0 }, { most: 10, skip: 0 }),
    };
    for (const [name, read] of Object.entries(reads)) {
      expect({ name, isElsewhere: await isElsewhere(read) }).toEqual({ name, isElsewhere: true });
    }
  }));

test("a reader that is closed while it reads gets its answer before the thread is stopped", () =>
  withLog(async (_, path) => {
    const reader = new SqliteReader({ path, busyTimeoutMs: 1_000 });
    const reading = reader.rows("SELECT 1 AS one");
    await new Promise(setImmediate); // the thread has the question now
    await reader.close();
    expect(await reading).toEqual([{ one: 1 }]);
    await expect(reader.rows("SELECT 1 AS one")).rejects.toThrow("is closed");
  }));

test("all rows arrive in their order, a part at a time", () =>
  withLog(async (store) => {
    await store.conversations(all); // by now the reader thread has started
    let listed: { conversationId: string }[] = [];
    const rounds = await roundsDuring(async () => {
      listed = (await store.conversations(all)).conversations;
    });
    expect(listed.map(({ conversationId }) => conversationId)).toEqual(
      Array.from({ length: conversations }, (_, index) => `c${conversations - index}`),
    );
    expect(rounds).toBeGreaterThanOrEqual(3);
  }));

test("a read sees earlier writes, and fails with the reason", () =>
  withLog(async (store, path) => {
    await store.conversations(all);
    await append(store, "new", turn("t").user("hello"));
    const latest = { conversationId: "new", title: "hello", lastSeq: 1 };
    expect((await store.conversations(all)).conversations[0]).toMatchObject(latest);
    const db = await connect(path);
    db.exec("DROP TABLE usage_counts");
    db.close();
    await expect(store.usage.models([always])).rejects.toMatchObject({
      name: "StoreError",
      message: expect.stringMatching(/^cannot read the event log .*no such table: .*usage_counts/),
    });
    expect((await store.conversations(all)).conversations).toHaveLength(conversations);
  }));

test("a read that has not ended when the log is closed fails", () =>
  withLog(async (store) => {
    const reading = expect(store.conversations(all)).rejects.toMatchObject({ name: "StoreError" });
    await store.close();
    await reading;
    await expect(store.conversations(all)).rejects.toMatchObject({ message: expect.stringMatching(/is closed$/) });
  }));

test("a host that has checked the file after a crash still writes to the file that other hosts read", () =>
  inFolder(async (folder) => {
    const path = join(folder, "events.db");
    const open = (now: number) => openSqliteStore(path, { now: () => now, observe: () => {} });
    const crashed = await open(0);
    await crashed.turns.beat({ nodeId: "n", machine: "m", pid: 1 });
    await crashed.close();
    const store = await open(60_000); // long after the last heartbeat
    await append(store, "c", turn("t1").user("hello"));
    expect(existsSync(`${path}-wal`)).toBe(true);
    await store.close();
  }));
