import type { Nodes } from "../../cluster/nodes.js";
import { toVisibleJson } from "../../core/text/inert.js";
import { columns } from "../../session/shared/command-text.js";

const keyLength = 8;

export function nodesText({ nodes, unclaimed }: Nodes): string {
  const rows = nodes.map(({ nodeId, machine, pid, version, silentMs, state, running, waiting, places }) => [
    nodeId,
    state,
    `seen ${(silentMs / 1000).toFixed(1)} s ago`,
    `process ${pid} on ${machine.split(" ")[0]}`,
    version ? `version ${version}` : "",
    `${running} running, ${waiting} waiting`,
    places.map(({ keyHash, places, waiting }) => placesText(keyHash, places, waiting)).join("; "),
  ]);
  const table = columns(rows, "no host runs on this event log");
  return unclaimed === 0
    ? table
    : `${table}\n${unclaimed} unfinished ${unclaimed === 1 ? "turn has" : "turns have"} no host`;
}

export function nodesJson({ nodes, unclaimed }: Nodes): string {
  const wire = nodes.map(({ nodeId, machine, pid, version = null, silentMs, state, running, waiting, places }) => ({
    node_id: nodeId,
    state,
    silent_ms: silentMs,
    machine,
    pid,
    version,
    turns: { running, waiting },
    places: places.map(({ keyHash, places: held, waiting: queued }) => ({ key: keyHash, held, waiting: queued })),
  }));
  return toVisibleJson({ nodes: wire, unclaimed_turns: unclaimed }, 2);
}

function placesText(keyHash: string, places: number, waiting: number): string {
  const wait = waiting > 0 ? `, ${waiting} wait` : "";
  return `${places} at once for key ${keyHash.slice(0, keyLength)}${wait}`;
}
