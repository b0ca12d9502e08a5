import type { ChatStore } from "../core/chat-store.js";
import type { LogNode, NodeTurns } from "../core/turn-leases.js";
import { isSilent } from "./lost-hosts.js";

interface Node extends Omit<LogNode, "seenAt">, Omit<NodeTurns, "nodeId"> {
  /**
   * `late`: the host has sent no heartbeat for longer than its lease. `gone`: its process has ended. In both states, other hosts take over
   * its turns.
   */
  state: "alive" | "late" | "gone";
}

export interface Nodes {
  /** The hosts. The host that was seen last comes first. */
  nodes: Node[];
  /** Number of unfinished turns that no host owns. */
  unclaimed: number;
}

/** Returns the hosts and the number of turns that each host has. Rejects with StoreError. */
export async function nodesOf(store: ChatStore, isGone: (node: LogNode) => boolean, leaseMs: number): Promise<Nodes> {
  const [nodes, load] = await Promise.all([store.turns.nodes(), store.turns.load()]);
  const known = new Set(nodes.map(({ nodeId }) => nodeId));
  const lost = load.filter(({ nodeId }) => nodeId === undefined || !known.has(nodeId));
  return {
    nodes: nodes
      .toSorted((a, b) => a.silentMs - b.silentMs)
      .map((node) => {
        const { nodeId, machine, pid, version, silentMs } = node;
        const { running = 0, waiting = 0 } = load.find((turns) => turns.nodeId === nodeId) ?? {};
        const state = isGone(node) ? "gone" : isSilent(node, leaseMs) ? "late" : "alive";
        return { nodeId, machine, pid, version, silentMs, state, running, waiting };
      }),
    unclaimed: lost.reduce((sum, { running, waiting }) => sum + running + waiting, 0),
  };
}
