import type { ChatStore, LogNode, NodePlaces, NodeTurns } from "../core/store-ports.js";

interface Node extends Omit<LogNode, "seenAt">, Omit<NodeTurns, "nodeId"> {
  /** `late`: not heard of for longer than its lease; `gone`: its process is. Others take over what these have. */
  state: "alive" | "late" | "gone";
  /** Of requests to providers, for each key. */
  places: Omit<NodePlaces, "nodeId">[];
}

/** The processes on one log, as the log has them. */
export interface Nodes {
  /** Those that were heard of last come first. */
  nodes: Node[];
  /** Unfinished turns that no process has. */
  unclaimed: number;
}

/** Rejects with StoreError. */
export async function nodesOf(store: ChatStore, isGone: (node: LogNode) => boolean, leaseMs: number): Promise<Nodes> {
  const [nodes, load, places] = await Promise.all([store.turns.nodes(), store.turns.load(), store.places?.() ?? []]);
  const known = new Set(nodes.map(({ nodeId }) => nodeId));
  const lost = load.filter(({ nodeId }) => nodeId === undefined || !known.has(nodeId));
  return {
    nodes: nodes
      .toSorted((a, b) => a.silentMs - b.silentMs)
      .map((node) => {
        const { nodeId, machine, pid, version, silentMs } = node;
        const { running = 0, waiting = 0 } = load.find((turns) => turns.nodeId === nodeId) ?? {};
        const own = places.filter((place) => place.nodeId === nodeId).map(({ nodeId: _, ...place }) => place);
        const state = isGone(node) ? "gone" : silentMs > leaseMs ? "late" : "alive";
        return { nodeId, machine, pid, version, silentMs, state, running, waiting, places: own };
      }),
    unclaimed: lost.reduce((sum, { running, waiting }) => sum + running + waiting, 0),
  };
}
