import { LogCluster } from "../../src/cluster/log-cluster.js";
import type { ChatStore } from "../../src/core/chat-store.js";
import type { Cluster, LocalTurns } from "../../src/core/cluster-port.js";

/** Returns a function that joins the hosts on the store as this node. Its process counts as alive. */
export function joining(
  store: ChatStore,
  { nodeId = "n", now = Date.now, leaseMs }: { nodeId?: string; now?: () => number; leaseMs?: number } = {},
): (local: LocalTurns) => Cluster {
  const node = { nodeId, machine: "m", pid: process.pid };
  const parts = { store, node, workspace: "w", isGone: () => false, observe: () => {}, leaseMs, now };
  return (local) => new LogCluster(parts, local);
}
