import type { ChatStore } from "../core/chat-store.js";
import type { StorageConfig } from "../core/config.js";
import { newId } from "../core/ids.js";
import type { Observe } from "../core/ports.js";
import { schemaVersion } from "./shared/schema-version.js";

interface StoreParts {
  now: () => number;
  /** Called with the current time of the log's clock, if the log is in a database. */
  onLogTime?: (time: number) => void;
  observe: Observe;
}

/** Opens the event log that `chat.storage` configures. Throws StoreError. */
export async function openStore(storage: StorageConfig, parts: StoreParts): Promise<ChatStore> {
  if (storage.driver === "postgres") {
    const { openPostgresLog } = await import("./postgres/open.js");
    return (await openPostgresLog(storage, { ...parts, newId })).store;
  }
  const { inMemory } = await import("./sqlite/connection.js");
  const { openSqliteStore } = await import("./sqlite/store.js");
  if (storage.driver === "memory") return openSqliteStore(inMemory, parts);
  return openSqliteStore(storage.path, { ...parts, isFull: storage.durability === "full" });
}

/** Only migrates the log. Resolves with its location, without secrets, and its schema version. Rejects with StoreError. */
export async function migrateStore(
  storage: StorageConfig,
  parts: StoreParts,
): Promise<{ location: string; version: number }> {
  if (storage.driver === "postgres") {
    const { migrateDatabase } = await import("./postgres/open.js");
    return { location: await migrateDatabase(storage, parts.observe), version: schemaVersion };
  }
  await (await openStore(storage, parts)).close();
  return { location: storage.driver === "memory" ? "memory" : storage.path, version: schemaVersion };
}
