import type { TurnDispatch } from "../cluster/free-turns.js";
import { LogCluster } from "../cluster/log-cluster.js";
import type { ChatStore } from "../core/chat-store.js";
import type { Cluster, LocalTurns } from "../core/cluster-port.js";
import type { PostgresConfig, StorageConfig } from "../core/config.js";
import type { NewId } from "../core/ids.js";
import type { Observe } from "../core/ports.js";
import { type HostProcess, sharedWorkspace } from "../core/turn-leases.js";
import { migrateStore, openStore } from "../log/open.js";
import { isGone } from "../log/shared/host-process.js";

interface OpenParts {
  now: () => number;
  observe: Observe;
  newId: NewId;
}

interface ClusterParts {
  node: HostProcess;
  /**
   * Name of the workspace. Default: hosts that use a shared database all have the same workspace; any other host uses its working
   * directory.
   */
  workspace: string | undefined;
  leaseMs: number;
}

export interface OpenLog {
  store: ChatStore;
  /** Returns this host's cluster, which connects this host to the other hosts on the log. */
  join(parts: ClusterParts, local: LocalTurns): Cluster;
}

/**
 * Opens the event log that `chat.storage` configures. Several programs may open the same log file. Rejects with StoreError.
 */
export async function openLog(storage: StorageConfig, parts: OpenParts): Promise<OpenLog> {
  const { store, dispatch } =
    storage.driver === "postgres"
      ? await openDatabase(storage, parts)
      : { store: await openStore(storage, parts), dispatch: undefined };
  const { observe } = parts;
  const ownWorkspace = dispatch ? sharedWorkspace : process.cwd();
  return {
    store,
    join: ({ node, workspace = ownWorkspace, leaseMs }, local) =>
      new LogCluster(
        {
          store,
          node,
          workspace,
          leaseMs,
          dispatch,
          observe,
          isGone: (other) => isGone(other, node.machine, storage.driver),
        },
        local,
      ),
  };
}

async function openDatabase(
  storage: PostgresConfig,
  parts: OpenParts,
): Promise<{ store: ChatStore; dispatch: TurnDispatch }> {
  await (await import("../cluster/dbos/sdk.js")).ensureInstalled();
  const { openPostgresLog } = await import("../log/postgres/open.js");
  const { DbosDispatch } = await import("../cluster/dbos/dispatch.js");
  const { LogClock } = await import("../log/postgres/log-clock.js");
  const clock = new LogClock(parts.now);
  const log = await openPostgresLog(storage, { ...parts, now: clock.now, onLogTime: (time) => clock.correct(time) });
  return { store: log.store, dispatch: new DbosDispatch({ config: storage, ...log, ...parts }) };
}

/**
 * Migrates the log to the schema of this program version, without opening it for turns. Returns the location of the log, without secrets,
 * and the version of its schema. Rejects with StoreError.
 */
export async function bringToSchema(
  storage: StorageConfig,
  parts: { now: () => number; observe: Observe },
): Promise<{ location: string; version: number }> {
  if (storage.driver === "postgres") await (await import("../cluster/dbos/sdk.js")).ensureInstalled();
  const migrated = await migrateStore(storage, parts);
  if (storage.driver !== "postgres") return migrated;
  const { Database } = await import("../log/postgres/connection/database.js");
  const { migrateDbos } = await import("../cluster/dbos/migrate-system-tables.js");
  const database = new Database(storage, parts.observe);
  try {
    await migrateDbos(storage, database, parts.observe);
    return migrated;
  } finally {
    await database.close();
  }
}
