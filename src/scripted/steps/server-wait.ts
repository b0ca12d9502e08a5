/** The wait of a step for servers that the script does not name, and the error if what the step needs is still missing. */

import { RequestError, ScriptError } from "../../core/errors.js";
import type { ServerStatus, ToolHub } from "../../core/ports.js";
import type { StepContext } from "./performed.js";

/**
 * Waits for the servers as a turn does before its first request. Rejects only with the reason of the script's signal: a required server that is
 * down matters only to steps that need it.
 */
export async function untilOffered({ host, limits }: Pick<StepContext, "host" | "limits">): Promise<void> {
  await host.hub.offered(limits.signal).catch(() => limits.signal.throwIfAborted());
}

/**
 * Returns the error for something that no server offers. If a server that may offer it is not ready, the error has that server's reason.
 * `name` is the name of the tool or prompt: if it names servers, only these may offer it.
 */
export function notOffered(message: string, hub: ToolHub, name?: string): ScriptError | RequestError {
  const servers = hub.servers();
  const named = servers.filter((server) => name !== undefined && namesServer(name, server.name));
  const reasons = (named.length > 0 ? named : servers).flatMap(reasonOf);
  if (reasons.length === 0) return new ScriptError("not_found", message);
  return new RequestError("required_server_down", [message, ...reasons].join("; "));
}

function reasonOf({ name, state, reason }: ServerStatus): string[] {
  const isMissing = state === "starting" || state === "failed" || state === "needs_auth";
  return isMissing ? [`mcpServers.${name}: ${reason ?? `it is ${state}`}`] : [];
}

/** Returns true if the name of a tool or prompt begins with the server's name, as in `server.tool` and `server__tool`. */
export function namesServer(name: string, server: string): boolean {
  return name.startsWith(`${server}.`) || name.startsWith(`${server}__`);
}
