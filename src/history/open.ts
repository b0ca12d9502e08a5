import type { StorageConfig } from "../core/config.js";
import type { ChatStore, Observe } from "../core/ports.js";
import { MemoryStore } from "./memory-store.js";
import { openSqliteStore } from "./sqlite-store.js";

/** The event log that `chat.storage` asks for. Throws StoreError. */
export async function openStore(
  storage: StorageConfig,
  parts: { now: () => number; observe: Observe },
): Promise<ChatStore> {
  return storage.driver === "memory" ? new MemoryStore(parts.now) : openSqliteStore(storage.path, parts);
}
