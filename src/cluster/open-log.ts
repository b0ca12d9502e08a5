import type { StorageConfig } from "../core/config.js";
import type { NewId } from "../core/ids.js";
import type { Observe } from "../core/ports.js";
import type { ChatStore } from "../core/store-ports.js";
import { migrateStore, openStore } from "../log/open.js";
import type { PostgresLog } from "../log/postgres/open.js";
import type { TurnDispatch } from "./turn-dispatch.js";

export interface OpenLog {
  store: ChatStore;
  /** Set if the log is in a database that several hosts share: the connections and the dispatch of turns. */
  shared?: PostgresLog & { dispatch: TurnDispatch };
}

/**
 * Opens the event log that `chat.storage` configures. If hosts share the log, also opens the dispatch of turns. Rejects with StoreError.
 */
export async function openLog(
  storage: StorageConfig,
  parts: { now: () => number; observe: Observe; newId: NewId },
): Promise<OpenLog> {
  if (storage.driver !== "postgres") return { store: await openStore(storage, parts) };
  await (await import("./dbos/sdk.js")).ensureInstalled();
  const { openPostgresLog } = await import("../log/postgres/open.js");
  const { DbosDispatch } = await import("./dbos/dispatch.js");
  const { LogClock } = await import("../log/postgres/log-clock.js");
  const clock = new LogClock(parts.now);
  const log = await openPostgresLog(storage, { ...parts, now: clock.now, heard: (time) => clock.heard(time) });
  const dispatch = new DbosDispatch({ config: storage, ...log, ...parts });
  return { store: log.store, shared: { ...log, dispatch } };
}

/**
 * Migrates the log to this version's schema without opening it for turns. Returns the location of the log, without secrets, and the version
 * of its schema. Rejects with StoreError.
 */
export async function bringToSchema(
  storage: StorageConfig,
  parts: { now: () => number; observe: Observe },
): Promise<{ place: string; version: number }> {
  if (storage.driver === "postgres") await (await import("./dbos/sdk.js")).ensureInstalled();
  const migrated = await migrateStore(storage, parts);
  if (storage.driver !== "postgres") return migrated;
  const { Database } = await import("../log/postgres/connection/database.js");
  const { migrateDbos } = await import("./dbos/migrate.js");
  const database = new Database(storage, parts.observe);
  try {
    await migrateDbos(storage, database, parts.observe);
    return migrated;
  } finally {
    await database.close();
  }
}
