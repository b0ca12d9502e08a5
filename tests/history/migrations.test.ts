import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { type Connection, connect } from "../../src/history/connection.js";
import { migrate } from "../../src/history/migrations.js";
import { openSqliteStore } from "../../src/history/sqlite-store.js";
import { inFolder } from "./support.js";

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
  withDatabase((db, path) => {
    migrate(db, path);
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
    ]);
    expect(version(db)).toBe(1);
    migrate(db, path);
    expect(version(db)).toBe(1);
  }));

test("a step that fails leaves the file at the step before it, and is taken the next time", () =>
  withDatabase((db, path) => {
    const first = "CREATE TABLE one (a); PRAGMA application_id = 0x4d435050";
    expect(() => migrate(db, path, [first, "CREATE TABLE two (a); nonsense"])).toThrow("nonsense");
    expect(version(db)).toBe(1);
    expect(() => db.exec("SELECT * FROM two")).toThrow("no such table");
    migrate(db, path, [first, "CREATE TABLE two (a)"]);
    expect(version(db)).toBe(2);
  }));

test("a file of a newer version is refused, unchanged, with what to do", () =>
  withDatabase(async (db, path) => {
    migrate(db, path);
    db.exec("PRAGMA user_version = 9");
    const opened = openSqliteStore(path, { now: Date.now, observe: () => undefined });
    await expect(opened).rejects.toMatchObject({
      kind: "newer_schema",
      message: `${path} was written by a newer version of this program (schema 9, this version knows 1)`,
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
