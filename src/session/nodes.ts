import type { ChatStore, LogNode, NodePlaces, NodeTurns } from "../core/store-ports.js";

interface Node extends Omit<LogNode, "seenAt">, Omit<NodeTurns, "nodeId"> {
  /** `late`: silent for longer than its lease; `gone`: its process has ended. Other hosts take over the turns of both. */
  state: "alive" | "late" | "gone";
  /** Slots for requests to providers, per key. */
  places: Omit<NodePlaces, "nodeId">[];
}

/** The hosts on one log, as the log records them. */
export interface Nodes {
  /** Most recently seen first. */
  nodes: Node[];
  /** Number of unfinished turns that no host owns. */
  unclaimed: number;
}

/** Lists the hosts and their load. Rejects with StoreError. */
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
