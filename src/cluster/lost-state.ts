/**
 * Finds the servers whose state is lost, so that the model can be notified. A stdio server keeps its state in its process, and this process
 * ends together with the host that started it.
 */
import type { CalledServers } from "../core/cluster-port.js";
import type { ChatEvent, StateLostEvent } from "../core/events.js";
import type { ToolHub } from "../core/ports.js";
import type { LogNode } from "../core/turn-leases.js";
import { noteProcess } from "../log/folds/known-tools.js";
import { resumeTurn } from "../log/folds/replay.js";
import { withoutRewound } from "../log/folds/rewind.js";

/**
 * Adds the id of this host to `tool_sent` events of calls to stdio servers. All other events stay unchanged. The event with the planned
 * call is in `events` or, if the turn's previous owner planned the call, in `log`.
 */
export function withProcesses(
  events: readonly ChatEvent[],
  log: readonly ChatEvent[],
  { hub, nodeId }: { hub: ToolHub; nodeId: string },
): readonly ChatEvent[] {
  if (!events.some(({ type }) => type === "tool_sent")) return events;
  return events.map((event) => {
    if (event.type !== "tool_sent") return event;
    const name = plannedIn(events, event) ?? plannedIn(log, event);
    const server = name === undefined ? undefined : hub.processOf(name);
    if (server === undefined) return event;
    const { type, turnId, callId } = event;
    return { type, turnId, callId, process: { server, nodeId } };
  });
}

/** Returns the name of the tool that was called; undefined if the log has no such call. */
function plannedIn(log: readonly ChatEvent[], sent: { turnId: string; callId: string }): string | undefined {
  const isPlan = (event: ChatEvent) =>
    event.type === "tool_call" && event.turnId === sent.turnId && event.call.id === sent.callId;
  const planned = log.findLast(isPlan);
  return planned?.type === "tool_call" ? planned.call.name : undefined;
}

/**
 * Resolves with the event that informs the model which servers have lost their state. Resolves with undefined if the model has called no
 * server whose host is lost, if it has already been informed, if it will not be asked again in this turn, or if `nodes` rejects: the turn
 * then fails by itself and reports the error.
 */
export async function findLostState(
  log: CalledServers,
  turnId: string,
  { hub, nodeId, nodes }: { hub: ToolHub; nodeId: string; nodes: () => Promise<LogNode[]> },
): Promise<StateLostEvent | undefined> {
  const processes = lastProcesses(log, turnId);
  if ([...processes.values()].every((other) => other === nodeId)) return undefined;
  const living = (await nodes().catch(() => undefined))?.map((node) => node.nodeId);
  if (!living) return undefined;
  const own = new Set(hub.servers().flatMap(({ name, transport }) => (transport === "stdio" ? [name] : [])));
  const lost = [...processes]
    .filter(([server, other]) => !living.includes(other) && own.has(server))
    .map(([server]) => server);
  const isAsked = resumeTurn(log.events, turnId).point?.calls.length !== 0;
  return lost.length > 0 && isAsked ? { type: "state_lost", turnId, servers: lost } : undefined;
}

/**
 * Returns, for each server, the host that ran the server when it was last called in this conversation. Ignores calls that a rewind took
 * back, and servers whose loss has already been reported.
 */
function lastProcesses({ processes, events }: CalledServers, turnId: string): Map<string, string> {
  const last = new Map(processes);
  for (const event of withoutRewound(events, turnId)) noteProcess(last, event);
  return last;
}
