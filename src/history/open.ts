import type { StorageConfig } from "../core/config.js";
import type { Observe } from "../core/ports.js";
import type { ChatStore } from "../core/store-ports.js";
import { inMemory, openSqliteStore } from "./sqlite-store.js";

/** The event log that `chat.storage` asks for. Throws StoreError. */
export async function openStore(
  storage: StorageConfig,
  parts: { now: () => number; observe: Observe },
): Promise<ChatStore> {
  return storage.driver === "memory"
    ? openSqliteStore(inMemory, parts)
    : openSqliteStore(storage.path, { ...parts, isFull: storage.durability === "full" });
}
