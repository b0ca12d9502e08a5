import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { describe, expect, jest, test } from "@jest/globals";
import type { ChatStore } from "../../src/core/chat-store.js";
import type { Observation } from "../../src/core/ports.js";
import { type Connection, connect, inMemory } from "../../src/log/sqlite/connection.js";
import { openDatabase } from "../../src/log/sqlite/database.js";
import { openSqliteStore } from "../../src/log/sqlite/store.js";
import { storeError } from "../../src/log/sqlite/store-errors.js";
import { transaction } from "../../src/log/sqlite/transaction.js";
import { append, asOrdinaryUser, inFolder, request, turn } from "./support.js";

const writer = fileURLToPath(new URL("./writer.mjs", import.meta.url));
const ignore = () => undefined;

function open(path: string): Promise<ChatStore> {
  return openSqliteStore(path, { now: Date.now, observe: ignore, busyTimeoutMs: 50 });
}

function startWriter(path: string, mode: "append" | "claim", count: number) {
  return spawn(process.execPath, [writer, path, mode, String(count)], { stdio: ["ignore", "pipe", "inherit"] });
}

/** Collects the lines that a writer acknowledged. `onLine` gets their number so far. */
async function linesOf(child: ChildProcessByStdio<null, Readable, null>, onLine: (count: number) => void = ignore) {
  const lines: string[] = [];
  const closed = once(child, "close");
  for await (const line of createInterface({ input: child.stdout })) onLine(lines.push(line));
  await closed;
  return lines;
}

test("a log in memory makes no file, warns of nothing, and its searches and reports work", async () => {
  const observed: Observation[] = [];
  const openInMemory = () => openSqliteStore(inMemory, { now: Date.now, observe: (each) => observed.push(each) });
  const store = await openInMemory();
  const { user, answer, end } = turn("turn_1");
  await store.claim("c", user("hello there"), request("n"));
  const { fence = 0 } = (await store.turns.acquire("c", "turn_1", "n")) ?? {};
  await store.appendAll("c", [answer("hi"), end()], { fence, position: 2 });
  const { conversations } = await store.conversations({ most: 10, text: "there" });
  expect(conversations).toMatchObject([{ conversationId: "c", lastSeq: 3 }]);
  const always = { since: 0, until: Number.MAX_SAFE_INTEGER };
  expect((await store.usage.conversations(always, 10)).conversations).toMatchObject([{ requests: 1 }]);
  const other = await openInMemory();
  expect((await other.conversations({ most: 10 })).conversations).toEqual([]);
  await Promise.all([store.close(), other.close()]);
  expect(existsSync(inMemory)).toBe(false);
  expect(observed).toEqual([]);
});

test("a request to a long conversation of a single call is searched for in its messages only", async () => {
  const store = await openSqliteStore(inMemory, { now: Date.now, observe: ignore });
  for (const id of ["1", "2"]) {
    const { user, answer, end } = turn(`turn_${id}`);
    await store.claim("single_c", user("hi"), request("n"));
    const { fence = 0 } = (await store.turns.acquire("single_c", `turn_${id}`, "n")) ?? {};
    await store.appendAll("single_c", [answer("long".repeat(100_000)), end()], { fence, position: 2 });
  }
  const parse = jest.spyOn(JSON, "parse");
  const again = await store.claim("single_c", turn("turn_3").user("hi"), request("n"));
  const read = parse.mock.calls.reduce((sum, [text]) => sum + text.length, 0);
  parse.mockRestore();
  expect(again).toMatchObject({ created: true });
  expect(read).toBeLessThan(10_000);
  expect(await store.claim("single_c", turn("turn_2").user("hi"), request("n"))).toMatchObject({
    ...{ created: false, turnId: "turn_2", ended: true },
  });
  await store.close();
});

describe("several processes on one file", () => {
  test("share one gap-free numbering, from the first opening on", () =>
    inFolder(async (folder) => {
      const path = join(folder, "events.db");
      const seqs = (await Promise.all([1, 2].map(() => linesOf(startWriter(path, "append", 200))))).flat().map(Number);
      const expected = Array.from({ length: 400 }, (_, index) => index + 1);
      expect(seqs.sort((a, b) => a - b)).toEqual(expected);
      const store = await open(path);
      expect((await store.read("c")).map(({ seq }) => seq)).toEqual(expected);
      await store.close();
    }));

  test("claim every request id once between them", () =>
    inFolder(async (folder) => {
      const path = join(folder, "events.db");
      const claims = (await Promise.all([1, 2].map(() => linesOf(startWriter(path, "claim", 50))))).flat();
      expect(claims).toHaveLength(100);
      expect(claims.filter((created) => created === "true")).toHaveLength(50);
    }));

  test("lose no acknowledged event when one is killed", () =>
    inFolder(async (folder) => {
      const path = join(folder, "events.db");
      const acknowledged = new Set<number>();
      for (const killAfter of [0, 3, 55]) {
        const child = startWriter(path, "append", 1_000_000);
        if (killAfter === 0) child.once("spawn", () => child.kill("SIGKILL"));
        const lines = await linesOf(child, (count) => count === killAfter && child.kill("SIGKILL"));
        for (const line of lines) acknowledged.add(Number(line));

        const store = await open(path);
        const seqs = (await store.read("c")).map(({ seq }) => seq);
        await store.close();
        expect(seqs).toEqual(seqs.map((_, index) => index + 1));
        expect([...acknowledged].filter((seq) => seq > seqs.length)).toEqual([]);
      }
      expect(acknowledged.size).toBeGreaterThan(50);
    }));
});

describe("opening", () => {
  test("creates the folder and the file, for their owner only", () =>
    inFolder(async (folder) => {
      const path = join(folder, "new", "deep", "events.db");
      const store = await open(path);
      await append(store, "c", turn("turn_1").user("hello"));
      const modes = [join(folder, "new"), path, `${path}-wal`].map(async (name) => (await stat(name)).mode & 0o777);
      expect(await Promise.all(modes)).toEqual([0o700, 0o600, 0o600]);
      await store.close();
    }));

  test("creates a new file with pages of 4 KB, and leaves those of an older one", () =>
    inFolder(async (folder) => {
      for (const [name, before, after] of [
        ["new", undefined, 4096],
        ["older", 2048, 2048],
      ] as const) {
        const path = join(folder, `${name}.db`);
        if (before) {
          const earlier = await connect(path);
          earlier.exec(`PRAGMA page_size = ${before}; CREATE TABLE other (x); DROP TABLE other`);
          earlier.close();
        }
        const store = await open(path);
        expect(await append(store, "c", turn("turn_1").user("hello"))).toMatchObject({ seq: 1 });
        await store.close();
        const later = await connect(path);
        expect(later.prepare("PRAGMA page_size").get()).toEqual({ page_size: after });
        later.close();
      }
    }));

  test("keeps what an earlier run wrote", () =>
    inFolder(async (folder) => {
      const path = join(folder, "events.db");
      const first = await open(path);
      await append(first, "c", turn("turn_1").user("hello"));
      await first.close();
      const second = await open(path);
      expect(await append(second, "c", turn("turn_1").end())).toMatchObject({ seq: 2 });
      await second.close();
    }));

  test("finds everything in the file itself after a close", () =>
    inFolder(async (folder) => {
      const path = join(folder, "events.db");
      const store = await open(path);
      await append(store, "c", turn("turn_1").user("hello"));
      await store.close();
      await copyFile(path, join(folder, "copy.db"));
      const copy = await open(join(folder, "copy.db"));
      expect(await copy.read("c")).toHaveLength(1);
      await copy.close();
    }));

  test("logs nothing if all is well", () =>
    inFolder(async (folder) => {
      const seen: Observation[] = [];
      const observe = (observation: Observation) => seen.push(observation);
      const store = await openSqliteStore(join(folder, "events.db"), { now: Date.now, observe });
      await store.close();
      expect(seen).toEqual([]);
    }));

  test("refuses a file that is not a database and leaves it alone", () =>
    inFolder(async (folder) => {
      const path = join(folder, "events.db");
      await writeFile(path, "my diary\n".repeat(500));
      await expect(open(path)).rejects.toMatchObject({
        kind: "corrupt",
        hint: expect.stringContaining(`for end in "" -wal -shm; do mv "${path}$end"`),
      });
      expect(await readFile(path, "utf8")).toBe("my diary\n".repeat(500));
    }));

  test("detects damage in the middle of the file", () =>
    inFolder(async (folder) => {
      const path = join(folder, "events.db");
      const store = await open(path);
      for (let index = 0; index < 300; index++) await append(store, "c", turn("turn_1").answer("x".repeat(1_000)));
      await store.close();
      const bytes = await readFile(path);
      await writeFile(path, bytes.fill(0x5a, bytes.length / 2, bytes.length / 2 + 8_192));
      const damaged = await open(path);
      await expect(damaged.read("c")).rejects.toMatchObject({ kind: "corrupt" });
      await damaged.close();
      const garbled = storeError(
        catchError(() => JSON.parse("{")),
        path,
        "read",
      );
      expect(garbled.kind).toBe("corrupt");
    }));

  test("refuses a file that another process keeps locked, and works when it is free", () =>
    inFolder(async (folder) => {
      const path = join(folder, "events.db");
      const holder = await openDatabase(path, { busyTimeoutMs: 50, now: Date.now, observe: ignore });
      holder.exec("BEGIN IMMEDIATE");
      await expect(open(path)).rejects.toMatchObject({ kind: "locked", retryable: true });
      holder.exec("ROLLBACK");
      await (await open(path)).close();
      holder.close();
    }));

  test("refuses a path inside a file, and a folder in place of the file", () =>
    inFolder(async (folder) => {
      await writeFile(join(folder, "file"), "");
      await mkdir(join(folder, "folder"));
      await expect(open(join(folder, "file", "events.db"))).rejects.toMatchObject({ kind: "open" });
      await expect(open(join(folder, "folder"))).rejects.toMatchObject({ kind: "open" });
    }));

  test("refuses a read-only folder and a read-only file before anything is stored", () =>
    inFolder(async (folder) => {
      const path = join(folder, "events.db");
      await (await open(path)).close();
      await chmod(path, 0o444);
      await chmod(folder, 0o555);
      await asOrdinaryUser(async () => {
        const hint = expect.stringContaining("can be written");
        await expect(open(join(folder, "other.db"))).rejects.toMatchObject({ kind: "open", hint });
        await expect(open(path)).rejects.toMatchObject({ kind: "open", hint });
      });
      await chmod(folder, 0o700);
    }));
});

test("a full disk is reported, and no part of the event is stored", () =>
  inFolder(async (folder) => {
    const path = join(folder, "events.db");
    const db = await openDatabase(path, { busyTimeoutMs: 50, now: Date.now, observe: ignore });
    db.exec("PRAGMA max_page_count = 1");
    const insert = db.prepare("INSERT INTO entries VALUES (1, 't', 'turn_end', NULL, ?, 0, NULL) RETURNING id");
    const thrown = catchError(() => transaction(db, () => insert.get("x".repeat(100_000))));
    expect(storeError(thrown, path, "write")).toMatchObject({
      kind: "full",
      retryable: true,
      message: expect.stringMatching(/^cannot write the event log .*events.db: .*database or disk is full$/),
      hint: expect.stringContaining("free some space"),
    });
    expect(transaction(db, () => db.prepare("SELECT count(*) AS events FROM events").get())).toEqual({ events: 0 });
    db.close();
    expect(storeError(new Error("ENOSPC: no space left on device, open"), path, "open").kind).toBe("full");
  }));

function catchError(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("did not throw");
}

describe("while another program holds the lock of the file", () => {
  /** Opens a log, lets `work` write while `holder` holds the lock, and returns the events that are stored in the end. */
  async function whileLocked(work: (store: ChatStore, holder: Connection) => Promise<void>, busyTimeoutMs: number) {
    let stored: string[] = [];
    await inFolder(async (folder) => {
      const path = join(folder, "events.db");
      const store = await openSqliteStore(path, { now: Date.now, observe: ignore, busyTimeoutMs });
      const holder = await connect(path);
      holder.exec("BEGIN IMMEDIATE");
      await work(store, holder);
      stored = (await store.read("c")).map(({ turnId }) => turnId);
      holder.close();
      await store.close();
    });
    return stored;
  }

  test("writes wait for it while the host does other work, and are stored in the order of their calls", async () => {
    const stored = await whileLocked(async (store, holder) => {
      const writes = ["t1", "t2", "t3"].map((id) => append(store, "c", turn(id).answer("paid")));
      await new Promise(setImmediate);
      expect(await store.read("c")).toEqual([]);
      holder.exec("ROLLBACK");
      writes.push(append(store, "c", turn("t4").answer("paid")));
      await Promise.all(writes);
    }, 60_000);
    expect(stored).toEqual(["t1", "t2", "t3", "t4"]);
  });

  test("writes that have waited for too long are refused together, and later ones are stored", async () => {
    const stored = await whileLocked(async (store, holder) => {
      const answers = ["t1", "t2", "t3"].map((id) => append(store, "c", turn(id).answer("paid")));
      const writes = await Promise.allSettled([...answers, store.turns.beat({ nodeId: "n", machine: "m", pid: 1 })]);
      const refused = { status: "rejected", reason: expect.objectContaining({ kind: "locked", retryable: true }) };
      expect(writes).toEqual([refused, refused, refused, refused]);
      holder.exec("ROLLBACK");
      await append(store, "c", turn("t4").answer("paid"));
    }, 50);
    expect(stored).toEqual(["t4"]);
  });

  test("a log that is closed stores the waiting writes first", async () => {
    await inFolder(async (folder) => {
      const path = join(folder, "events.db");
      const store = await openSqliteStore(path, { now: Date.now, observe: ignore, busyTimeoutMs: 60_000 });
      const holder = await connect(path);
      holder.exec("BEGIN IMMEDIATE");
      const written = append(store, "c", turn("t1").answer("paid"));
      const closed = store.close();
      await new Promise(setImmediate);
      holder.exec("ROLLBACK");
      holder.close();
      await Promise.all([written, closed]);
    });
  });
});
