import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { type Connection, connect } from "../../src/history/connection.js";
import { migrate } from "../../src/history/migrate.js";
import { stepsOf } from "../../src/history/migrations.js";
import { schemaVersion } from "../../src/history/schema-version.js";
import { openSqliteStore } from "../../src/history/sqlite-store.js";
import { inFolder, request, turn } from "./support.js";

const steps = stepsOf("sqlite");

async function withDatabase(work: (db: Connection, path: string) => void | Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const path = join(folder, "events.db");
    const db = await connect(path);
    await work(db, path);
    db.close();
  });
}

function version(db: Connection): number {
  return (db.prepare("PRAGMA user_version").get() as { user_version: number }).user_version;
}

test("an empty file gets the whole schema, and a second time nothing", () =>
  withDatabase(async (db, path) => {
    await migrate(db, path);
    const columns = db.prepare("PRAGMA table_info(events)").all() as { name: string }[];
    expect(columns.map(({ name }) => name)).toEqual([
      "id",
      "conversation_id",
      "seq",
      "turn_id",
      "type",
      "request_id",
      "payload",
      "at",
      "position",
    ]);
    expect(version(db)).toBe(schemaVersion);
    await migrate(db, path);
    expect(version(db)).toBe(schemaVersion);
    expect(steps).toHaveLength(schemaVersion);
  }));

test("a file of the first version keeps its events, and its unfinished turn can go on", () =>
  inFolder(async (folder) => {
    const path = join(folder, "events.db");
    const db = await connect(path);
    await migrate(db, path, steps.slice(0, 1));
    const message = JSON.stringify(turn("turn_1").user("hello", "r1"));
    db.prepare("INSERT INTO events VALUES (1, 'c', 1, 'turn_1', 'user_message', 'r1', ?, 5)").all(message);
    db.close();
    const store = await openSqliteStore(path, { now: Date.now, observe: () => undefined });
    const claim = await store.claim("c", turn("turn_2").user("hello", "r1"), request("node"));
    expect(claim).toMatchObject({ created: false, turnId: "turn_1", ended: false, events: [{ seq: 1, at: 5 }] });
    expect(await store.turns.acquire("c", "turn_1", "node")).toMatchObject({ crashes: 0 });
    await store.close();
  }));

test("a file in which each event was in more indexes keeps its events, their order and what makes a repetition one", () =>
  inFolder(async (folder) => {
    const path = join(folder, "events.db");
    const db = await connect(path);
    await migrate(db, path, steps.slice(0, 6));
    const { user, answer, end } = turn("turn_1");
    const insert = db.prepare(
      "INSERT INTO events (id, conversation_id, seq, turn_id, type, request_id, payload, at, position) VALUES (?, 'c', ?, 'turn_1', ?, ?, ?, 5, ?)",
    );
    insert.all(7, 1, "user_message", "r1", JSON.stringify(user("hello", "r1")), null);
    insert.all(9, 2, "assistant_message", null, JSON.stringify(answer("well")), 2);
    db.exec(
      "INSERT INTO turns (conversation_id, turn_id, request_id, state, place, workspace, options) VALUES ('c', 'turn_1', 'r1', 'queued', 1, 'here', '{}')",
    );
    db.close();
    const store = await openSqliteStore(path, { now: Date.now, observe: () => undefined });
    expect((await store.read("c")).map(({ seq, type }) => [seq, type])).toEqual([
      [1, "user_message"],
      [2, "assistant_message"],
    ]);
    const { fence = 0 } = (await store.turns.acquire("c", "turn_1", "node")) ?? {};
    const again = await store.appendAll("c", [answer("well")], { fence, position: 2 });
    expect(again).toMatchObject([{ seq: 2, at: 5 }]);
    const other = store.appendAll("c", [answer("otherwise")], { fence, position: 2 });
    await expect(other).rejects.toMatchObject({ kind: "fenced" });
    await store.appendAll("c", [end()], { fence, position: 3 });
    expect(await store.claim("c", turn("turn_2").user("hello", "r1"), request("node"))).toMatchObject({
      created: false,
      ended: true,
      events: [{ seq: 1 }, { seq: 2 }, { seq: 3 }],
    });
    await store.close();
    const after = await connect(path);
    expect(after.prepare("SELECT id FROM events").all()).toEqual([{ id: 7 }, { id: 9 }, { id: 10 }]);
    after.close();
  }));

test("a step that fails leaves the file at the step before it, and is taken the next time", () =>
  withDatabase(async (db, path) => {
    const first = ["CREATE TABLE one (a)", "PRAGMA application_id = 0x4d435050"];
    await expect(migrate(db, path, [first, ["CREATE TABLE two (a)", "nonsense"]])).rejects.toThrow("nonsense");
    expect(version(db)).toBe(1);
    expect(() => db.exec("SELECT * FROM two")).toThrow("no such table");
    await migrate(db, path, [first, ["CREATE TABLE two (a)"]]);
    expect(version(db)).toBe(2);
  }));

test("a file of a newer version is refused, unchanged, with what to do", () =>
  withDatabase(async (db, path) => {
    await migrate(db, path);
    db.exec("PRAGMA user_version = 9");
    const opened = openSqliteStore(path, { now: Date.now, observe: () => undefined });
    await expect(opened).rejects.toMatchObject({
      kind: "newer_schema",
      message: `${path} was written by a newer version of this program (schema 9, this version knows ${schemaVersion})`,
      hint: "update this program, or set chat.storage.path to another file",
    });
    expect(version(db)).toBe(9);
  }));

test("the database of another program is not touched", () =>
  withDatabase(async (db, path) => {
    db.exec("CREATE TABLE bookmarks (url)");
    const opened = openSqliteStore(path, { now: Date.now, observe: () => undefined });
    await expect(opened).rejects.toMatchObject({ kind: "open", message: `${path} is a database of another program` });
    expect(db.prepare("SELECT name FROM sqlite_schema").all()).toEqual([{ name: "bookmarks" }]);
    expect(db.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "delete" });
  }));
