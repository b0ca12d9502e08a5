import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { schemaVersion } from "../../src/log/shared/schema-version.js";
import { type Connection, connect } from "../../src/log/sqlite/connection.js";
import { migrate } from "../../src/log/sqlite/migrate.js";
import { sqliteSteps } from "../../src/log/sqlite/schema.js";
import { openSqliteStore } from "../../src/log/sqlite/store.js";
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

test("an empty file gets the whole schema, once", () =>
  withDatabase(async (db, path) => {
    await migrate(db, path, Date.now);
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
    await migrate(db, path, Date.now);
    expect(version(db)).toBe(schemaVersion);
    expect(sqliteSteps).toHaveLength(schemaVersion);
  }));

test("a new file that another process migrates and uses first is opened", () =>
  withDatabase(async (db, path) => {
    const late = migrate(db, path, Date.now); // has found an empty file, and loads the steps
    const other = await connect(path);
    await migrate(other, path, Date.now);
    other.exec(`INSERT INTO nodes (node_id, machine, pid, seen_at) VALUES ('n', 'm', 4711, ${Date.now()})`);
    other.close();
    await late;
    expect(version(db)).toBe(schemaVersion);
  }));

test("a later step runs alone, once, and only while no host of the version before uses the file", () =>
  withDatabase(async (db, path) => {
    const first = ["CREATE TABLE nodes (pid integer, seen_at integer)", "INSERT INTO nodes VALUES (4711, 1000)"];
    await migrate(db, path, Date.now, [first]);
    const later = (step: readonly string[], now = 11_000) => migrate(db, path, () => now, [first, step]);
    const hint = expect.stringContaining("end them (process 4711)");
    await expect(later(["CREATE TABLE two (a)"], 10_999)).rejects.toMatchObject({ kind: "locked", hint });
    await expect(later(["CREATE TABLE two (a)", "nonsense"])).rejects.toThrow("nonsense");
    expect(version(db)).toBe(1);
    expect(() => db.exec("SELECT * FROM two")).toThrow("no such table");
    await later(["CREATE TABLE two (a)"]);
    await later(["CREATE TABLE two (a)"]);
    expect(version(db)).toBe(2);
  }));

test("a file of an unreleased build is refused, unchanged, with how to keep its conversations", () =>
  withDatabase(async (db, path) => {
    db.exec("CREATE TABLE entries (a); PRAGMA application_id = 0x4d435050; PRAGMA user_version = 23");
    await expect(openSqliteStore(path, { now: Date.now, observe: () => undefined })).rejects.toMatchObject({
      kind: "open",
      message: `${path} was made by an unreleased build of this program, and cannot be read`,
      hint: "export its conversations with the build that made it (mcp-platform sessions export ID), and set chat.storage.path to another file",
    });
    expect(version(db)).toBe(23);
  }));

test("a file of a newer version is refused, unchanged, with what to do", () =>
  withDatabase(async (db, path) => {
    await migrate(db, path, Date.now);
    db.exec(`PRAGMA user_version = ${schemaVersion + 1}`);
    const opened = openSqliteStore(path, { now: Date.now, observe: () => undefined });
    await expect(opened).rejects.toMatchObject({
      kind: "newer_schema",
      message: `${path} was written by a newer version of this program (schema ${schemaVersion + 1}, this version knows ${schemaVersion})`,
      hint: "update this program, or set chat.storage.path to another file",
    });
    expect(version(db)).toBe(schemaVersion + 1);
  }));

test("the database of another program is not touched", () =>
  withDatabase(async (db, path) => {
    db.exec("CREATE TABLE bookmarks (url)");
    const opened = openSqliteStore(path, { now: Date.now, observe: () => undefined });
    await expect(opened).rejects.toMatchObject({ kind: "open", message: `${path} is a database of another program` });
    expect(db.prepare("SELECT name FROM sqlite_schema").all()).toEqual([{ name: "bookmarks" }]);
    expect(db.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "delete" });
  }));
