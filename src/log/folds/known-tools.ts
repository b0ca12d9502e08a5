/** Reads from events which tools and stored results the model knows, and which processes of servers it has called. */
import type { StoredEvent } from "../../core/events.js";
import type { Message } from "../../core/messages.js";

export interface KnownTools {
  /** Names of the tools that the model has called or found, in the order of the log. */
  found: Set<string>;
  /** Ids of the stored results that the model may read. */
  resultIds: Set<string>;
}

export function noteTools({ found, resultIds }: KnownTools, event: StoredEvent): void {
  if (event.type === "assistant_message") noteNames(found, event.message);
  if (event.type === "user_message") for (const message of event.history ?? []) noteNames(found, message);
  if (event.type === "tool_result") for (const name of event.found ?? []) found.add(name);
  const isNaming = event.type === "tool_result" || event.type === "user_message";
  if (isNaming) for (const resultId of event.resultIds ?? []) resultIds.add(resultId);
}

function noteNames(found: Set<string>, message: Message): void {
  if (message.role === "assistant") for (const { name } of message.toolCalls) found.add(name);
  if (message.role === "tool") for (const name of message.found ?? []) found.add(name);
}

/**
 * Updates the map from each server to the host that ran the server when it was last called. A server whose loss has been reported is removed.
 */
export function noteProcess(processes: Map<string, string>, event: StoredEvent): void {
  if (event.type === "tool_sent" && event.process) processes.set(event.process.server, event.process.nodeId);
  if (event.type === "state_lost") for (const server of event.servers) processes.delete(server);
}
