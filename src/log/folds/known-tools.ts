/** Reads from events which tools and stored results the model knows, and which processes of servers it has called. */
import type { StoredEvent } from "../../core/events.js";

export interface KnownTools {
  /** Names of the tools that the model has called or found, in the order of the log. */
  found: Set<string>;
  /** Ids of the stored results that the model may read. */
  resultIds: Set<string>;
}

export function noteTools({ found, resultIds }: KnownTools, event: StoredEvent): void {
  if (event.type === "assistant_message") for (const { name } of event.message.toolCalls) found.add(name);
  if (event.type !== "tool_result") return;
  for (const resultId of event.resultIds ?? []) resultIds.add(resultId);
  for (const name of event.found ?? []) found.add(name);
}

/**
 * Updates the map from each server to the host that ran the server when it was last called. A server whose loss has been reported is removed.
 */
export function noteProcess(processes: Map<string, string>, event: StoredEvent): void {
  if (event.type === "tool_sent" && event.process) processes.set(event.process.server, event.process.nodeId);
  if (event.type === "state_lost") for (const server of event.servers) processes.delete(server);
}
