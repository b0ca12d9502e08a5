import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { StorageConfig } from "../../../src/core/config.js";
import { openStore } from "../../../src/log/open.js";
import { stepsOf } from "../../../src/log/sql/migrations.js";
import { connect } from "../../../src/log/sqlite/connection.js";
import { migrate } from "../../../src/log/sqlite/migrate.js";
import { query } from "../../support/postgres.js";

type Row = Record<string, string | number | null>;

/** The version of the schema in the previous release. */
const previousSchema = 9;

/** Returns the rows that `write-log.mjs` wrote. Its turns belong to this folder, and its host no longer runs. */
function rowsOf(table: string): Row[] {
  const lines = readFileSync(join("tests/log/previous", "log.jsonl"), "utf8").trim().split("\n");
  return lines.flatMap((line) => {
    const [name, row] = JSON.parse(line) as [string, Row];
    if (name !== table) return [];
    if (table === "turns") return [{ ...row, fold: 2, workspace: process.cwd() }];
    return [row];
  });
}

/** Loads the log of the previous release into a new storage. */
export async function loadPreviousLog(storage: StorageConfig): Promise<void> {
  if (storage.driver === "sqlite") return loadSqlite(storage.path);
  if (storage.driver !== "postgres") throw new Error("only a log that outlives its host can be of an earlier release");
  await (await openStore(storage, { now: Date.now, observe: () => {} })).close();
  for (const table of ["events", "turns", "results"])
    for (const row of rowsOf(table)) await query(storage.url, insertion(table, row));
}

async function loadSqlite(path: string): Promise<void> {
  const db = await connect(path);
  db.exec("PRAGMA journal_mode = WAL");
  await migrate(db, path, Date.now, stepsOf("sqlite").slice(0, previousSchema));
  const events = rowsOf("events");
  const names = [...new Set(events.map(({ conversation_id }) => conversation_id))];
  const numberOf = (conversation: Row[string] | undefined) => names.indexOf(conversation) + 1;
  for (const name of names)
    db.exec(
      insertion("conversations", { number: numberOf(name), conversation_id: name ?? null, touched: numberOf(name) }),
    );
  for (const { conversation_id, seq, ...row } of events)
    db.exec(
      insertion("entries", {
        id: numberOf(conversation_id) * 2 ** 32 + Number(seq),
        ...row,
      }),
    );
  for (const row of rowsOf("turns"))
    db.exec(insertion("turns", { ...row, conversation_number: numberOf(row.conversation_id) }));
  for (const row of rowsOf("results")) db.exec(insertion("results", row));
  db.close();
}

function insertion(table: string, row: Row): string {
  const values = Object.values(row).map((value) =>
    typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value ?? "NULL"),
  );
  return `INSERT INTO ${table} (${Object.keys(row).join(", ")}) VALUES (${values.join(", ")})`;
}
