/** Facts about the host, for the `system/init` message and the control responses of Claude Code's `stream-json`. */

import { RequestError } from "../../core/errors.js";
import type { ServerState } from "../../core/events.js";
import type { ServerStatus, ToolHub } from "../../core/ports.js";

const serverStates: Readonly<Record<ServerState, string>> = {
  starting: "pending",
  ready: "connected",
  degraded: "connected",
  needs_auth: "needs-auth",
  failed: "failed",
  disabled: "disabled",
};

/**
 * Returns the facts for `system/init`. The facts contain no slash commands, because a message that begins with a slash is an ordinary
 * prompt here.
 */
export function initFacts(hub: ToolHub) {
  return {
    tools: hub.tools().map(({ name }) => name),
    mcp_servers: hub.servers().map(({ name, state }) => ({ name, status: serverStates[state] })),
    slash_commands: [],
    agents: [],
    skills: [],
    plugins: [],
    output_style: "default",
    apiKeySource: "none",
  };
}

export function mcpStatus(hub: ToolHub): object {
  return { mcpServers: hub.servers().map((server) => serverStatus(server, hub)) };
}

function serverStatus({ name, state, version, reason }: ServerStatus, hub: ToolHub): object {
  const tools = hub.tools().filter(({ server }) => server === name);
  return {
    name,
    status: serverStates[state],
    ...(version && { serverInfo: { name, version } }),
    ...(state === "failed" && reason && { error: reason }),
    tools: tools.map(({ tool, description }) => ({ name: tool, description })),
  };
}

export interface Permission {
  /**
   * Undefined if the approval mode of the configuration applies. Permission rules and stored answers then still take precedence over that
   * mode.
   */
  approval?: "ask" | "auto";
  /** True if the controlling program is asked about calls that need approval. If false, these calls are denied. */
  isAsked: boolean;
}

export function permissionModeOf(approval: "ask" | "auto"): string {
  return approval === "auto" ? "bypassPermissions" : "default";
}

/**
 * Returns the permission that corresponds to a permission mode of Claude Code. Most modes correspond to `ask`: `acceptEdits` and `auto`
 * would exempt only Claude Code's own tools. `canAsk` is true if the program said at the start that it can be asked. Throws RequestError
 * for an unsupported mode.
 */
export function permissionOf(mode: string, canAsk: boolean): Permission {
  if (["default", "acceptEdits", "auto", "manual"].includes(mode)) return { approval: "ask", isAsked: canAsk };
  if (mode === "dontAsk") return { approval: "ask", isAsked: false };
  if (mode === "bypassPermissions") return { approval: "auto", isAsked: canAsk };
  const hint = "use default, dontAsk or bypassPermissions";
  throw new RequestError("usage", `the permission mode ${JSON.stringify(mode.slice(0, 40))} is not supported`, {
    hint,
  });
}
