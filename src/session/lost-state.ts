/** Finds servers whose state the model must be told is lost: a stdio server's memory ends with the host that ran it. */
import type { ChatEvent, StateLostEvent, StoredEvent } from "../core/chat.js";
import type { ToolHub } from "../core/ports.js";
import { resumeTurn } from "../history/replay.js";
import { withoutRewound } from "../history/rewind.js";

/**
 * Adds this host's process to calls that go to one; other events stay as they are. The calls were planned in `events`, or in `log` by the
 * previous owner.
 */
export function withProcesses(
  events: readonly ChatEvent[],
  log: readonly StoredEvent[],
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

/** Returns the tool of a call. */
function plannedIn(log: readonly ChatEvent[], sent: { turnId: string; callId: string }): string | undefined {
  const isPlan = (event: ChatEvent) =>
    event.type === "tool_call" && event.turnId === sent.turnId && event.call.id === sent.callId;
  const planned = log.findLast(isPlan);
  return planned?.type === "tool_call" ? planned.call.name : undefined;
}

/** Returns the loss to report. Undefined unless the turn's model called such a server on a lost host and was not told yet. */
export function stateLost(
  log: readonly StoredEvent[],
  turnId: string,
  { hub, living }: { hub: ToolHub; living: readonly string[] },
): StateLostEvent | undefined {
  const own = new Set(hub.servers().flatMap(({ name, transport }) => (transport === "stdio" ? [name] : [])));
  const lost = [...lastProcesses(log, turnId)]
    .filter(([server, nodeId]) => !living.includes(nodeId) && own.has(server))
    .map(([server]) => server);
  const isAsked = resumeTurn(log, turnId).point?.calls.length !== 0;
  return lost.length > 0 && isAsked ? { type: "state_lost", turnId, servers: lost } : undefined;
}

/** True if the model has called a server on another host, and was not told since that its state is lost. */
export function countsOnOthers(log: readonly StoredEvent[], turnId: string, nodeId: string): boolean {
  return [...lastProcesses(log, turnId).values()].some((other) => other !== nodeId);
}

/** Returns the host that ran each server at its last call in the conversation as the model sees it. */
function lastProcesses(log: readonly StoredEvent[], turnId: string): Map<string, string> {
  const processes = new Map<string, string>();
  for (const event of withoutRewound(log, turnId)) {
    if (event.type === "tool_sent" && event.process) processes.set(event.process.server, event.process.nodeId);
    if (event.type === "state_lost") for (const server of event.servers) processes.delete(server);
  }
  return processes;
}
