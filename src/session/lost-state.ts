/** What a stdio server keeps in its process is gone with the host that ran it: of which servers the model has to be told so. */
import type { ChatEvent, StateLostEvent, StoredEvent } from "../core/chat.js";
import type { HubTool, ToolHub } from "../core/ports.js";
import { resumeTurn } from "../history/replay.js";
import { withoutRewound } from "../history/rewind.js";

/** Calls that go to a process of this host get its name; any other event stays as it is. They were planned in `log`, or before in `events`. */
export function withProcesses(
  events: readonly ChatEvent[],
  log: readonly StoredEvent[],
  { hub, nodeId }: { hub: ToolHub; nodeId: string },
): readonly ChatEvent[] {
  const names = new Map<string, string>();
  return events.map((event) => {
    if (event.type === "tool_call") names.set(event.call.id, event.call.name);
    if (event.type !== "tool_sent") return event;
    const server = ownProcesses(hub).get(names.get(event.callId) ?? plannedIn(log, event) ?? "");
    return server === undefined ? event : { ...event, process: { server, nodeId } };
  });
}

/** The tool of a call that is in the log: its turn was gone on with. */
function plannedIn(log: readonly ChatEvent[], sent: { turnId: string; callId: string }): string | undefined {
  const isPlan = (event: ChatEvent) =>
    event.type === "tool_call" && event.turnId === sent.turnId && event.call.id === sent.callId;
  const planned = log.findLast(isPlan);
  return planned?.type === "tool_call" ? planned.call.name : undefined;
}

/** Servers that are processes of this host, by the names of their tools. Once for each list of tools: it is another one when a server is. */
function ownProcesses(hub: ToolHub): ReadonlyMap<string, string> {
  const tools = hub.tools();
  let known = knownProcesses.get(tools);
  if (!known) {
    known = new Map(tools.filter(({ server }) => isOwnProcess(server, hub)).map(({ name, server }) => [name, server]));
    knownProcesses.set(tools, known);
  }
  return known;
}

const knownProcesses = new WeakMap<readonly HubTool[], ReadonlyMap<string, string>>();

/** Undefined when nothing is lost that the turn's model counts on: it has called such a server on a host that is gone, and was not told. */
export function stateLost(
  log: readonly StoredEvent[],
  turnId: string,
  { hub, living }: { hub: ToolHub; living: readonly string[] },
): StateLostEvent | undefined {
  const lost = [...lastProcesses(log, turnId)]
    .filter(([server, nodeId]) => !living.includes(nodeId) && isOwnProcess(server, hub))
    .map(([server]) => server);
  const isAsked = resumeTurn(log, turnId).point?.calls.length !== 0;
  return lost.length > 0 && isAsked ? { type: "state_lost", turnId, servers: lost } : undefined;
}

/** Whether the model has called a server on a host, other than this one, and was not told since that it is gone. */
export function countsOnOthers(log: readonly StoredEvent[], turnId: string, nodeId: string): boolean {
  return [...lastProcesses(log, turnId).values()].some((other) => other !== nodeId);
}

/** The host that ran each server at its last call in the conversation as the model sees it. */
function lastProcesses(log: readonly StoredEvent[], turnId: string): Map<string, string> {
  const processes = new Map<string, string>();
  for (const event of withoutRewound(log, turnId)) {
    if (event.type === "tool_sent" && event.process) processes.set(event.process.server, event.process.nodeId);
    if (event.type === "state_lost") for (const server of event.servers) processes.delete(server);
  }
  return processes;
}

function isOwnProcess(server: string, hub: ToolHub): boolean {
  return hub.servers().some(({ name, transport }) => name === server && transport === "stdio");
}
