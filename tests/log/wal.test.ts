import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { connect } from "../../src/log/sqlite/connection.js";
import { toWal } from "../../src/log/sqlite/database.js";
import { inFolder } from "./support.js";

async function connections(folder: string) {
  const path = join(folder, "log.db");
  const [db, other] = [await connect(path), await connect(path)];
  db.exec("CREATE TABLE events (seq)");
  return { db, other };
}

test("a host waits if another one writes to the file before its mode is changed", () =>
  inFolder(async (folder) => {
    const { db, other } = await connections(folder);
    other.exec("BEGIN IMMEDIATE");
    let isSettled = false;
    const changed = toWal(db, 60_000).finally(() => {
      isSettled = true;
    });
    await new Promise(setImmediate);
    expect(isSettled).toBe(false);
    other.exec("COMMIT");
    expect(await changed).toEqual({ journal_mode: "wal" });
    db.close();
    other.close();
  }));

test("the switch to WAL gives up after a while", () =>
  inFolder(async (folder) => {
    const { db, other } = await connections(folder);
    other.exec("BEGIN IMMEDIATE");
    await expect(toWal(db, 1)).rejects.toThrow("database is locked");
    other.exec("COMMIT");
    db.close();
    other.close();
  }));
