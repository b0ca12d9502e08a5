import type { Nodes } from "../../cluster/nodes.js";
import { toVisibleJson } from "../../core/text/inert.js";
import { columns } from "../../session/shared/command-text.js";

export function nodesText({ nodes, unclaimed }: Nodes): string {
  const rows = nodes.map(({ nodeId, machine, pid, version, silentMs, state, running, waiting }) => [
    nodeId,
    state,
    `seen ${(silentMs / 1000).toFixed(1)} s ago`,
    `process ${pid} on ${machine.split(" ")[0]}`,
    version ? `version ${version}` : "",
    `${running} running, ${waiting} waiting`,
  ]);
  const table = columns(rows, "no host runs on this event log");
  return unclaimed === 0
    ? table
    : `${table}\n${unclaimed} unfinished ${unclaimed === 1 ? "turn has" : "turns have"} no host`;
}

export function nodesJson({ nodes, unclaimed }: Nodes): string {
  const wire = nodes.map(({ nodeId, machine, pid, version = null, silentMs, state, running, waiting }) => ({
    node_id: nodeId,
    state,
    silent_ms: silentMs,
    machine,
    pid,
    version,
    turns: { running, waiting },
  }));
  return toVisibleJson({ nodes: wire, unclaimed_turns: unclaimed }, 2);
}
