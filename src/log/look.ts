/** Reads the location and the schema version of an event log without migrating the log, as a host that opens it would. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { StorageConfig } from "../core/config.js";
import { StoreError } from "../core/errors.js";
import { existingFolder } from "../core/files/state-folder.js";
import { thisMachine } from "../core/files/this-machine.js";
import { newId } from "../core/ids.js";
import type { Observe } from "../core/ports.js";
import { openStore } from "./open.js";
import { otherFile, schemaVersion, unreleasedId, unreleasedLog } from "./shared/schema-version.js";
import { connect } from "./sqlite/connection.js";

export interface LogLook {
  /** Location of the log, without secrets. */
  location: string;
  /** Schema version of the log. 0 if there is no log yet: the first host will create it. */
  schema: number;
  knownSchema: number;
}

/**
 * Returns the location and the schema version of the log. Rejects with StoreError or a file system error if a host could not use the log.
 */
export async function lookAtLog(
  storage: StorageConfig,
  parts: { now: () => number; observe: Observe },
): Promise<LogLook> {
  if (storage.driver === "memory") {
    await (await openStore(storage, parts)).close();
    return { location: "memory", schema: schemaVersion, knownSchema: schemaVersion };
  }
  const { location, schema } = await (storage.driver === "postgres"
    ? lookAtDatabase(storage, parts)
    : lookAtFile(storage.path));
  const isOlder = schema > 0 && schema < schemaVersion;
  if (storage.driver === "sqlite" && !existsSync(storage.path)) await tryBeside(storage, parts);
  else if (schema > 0 && !isOlder) await tryWriting(storage, parts);
  return { location, schema, knownSchema: schemaVersion };
}

async function lookAtDatabase(
  storage: Extract<StorageConfig, { driver: "postgres" }>,
  { observe }: { observe: Observe },
): Promise<{ location: string; schema: number }> {
  const { databaseSchema } = await import("./postgres/open.js");
  return databaseSchema(storage, observe);
}

async function lookAtFile(path: string): Promise<{ location: string; schema: number }> {
  if (!existsSync(path)) return { location: path, schema: 0 };
  const db = await connect(path);
  try {
    const { application_id: id } = db.prepare("PRAGMA application_id").get() as { application_id: number };
    if (id === unreleasedId) throw unreleasedLog(path, otherFile);
    const row = db.prepare("PRAGMA user_version").get() as { user_version: number };
    // A file that is not an event log is not detected here, but by `openStore`.
    return { location: path, schema: row.user_version || schemaVersion };
  } catch (error) {
    if (error instanceof StoreError) throw error;
    return { location: path, schema: schemaVersion };
  } finally {
    db.close();
  }
}

/**
 * Checks that the log can be opened and takes writes. SQLite opens a read-only file, and PostgreSQL a read-only database, without an error.
 * So this registers a host, and removes it again.
 */
async function tryWriting(storage: StorageConfig, parts: { now: () => number; observe: Observe }): Promise<void> {
  const store = await openStore(storage, parts);
  const node = { nodeId: newId("node"), machine: thisMachine(), pid: process.pid };
  try {
    await store.turns.beat(node);
    await store.turns.leave(node.nodeId);
  } finally {
    await store.close();
  }
}

/**
 * Checks that a log can be created. For this, creates and deletes a temporary log in the folder of the future log or, if that folder does
 * not exist, in its nearest existing parent.
 */
async function tryBeside(
  storage: Extract<StorageConfig, { driver: "sqlite" }>,
  parts: { now: () => number; observe: Observe },
): Promise<void> {
  const folder = mkdtempSync(join(existingFolder(dirname(storage.path)), ".mcp-platform-try-"));
  try {
    await (await openStore({ ...storage, path: join(folder, "log.db") }, parts)).close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
