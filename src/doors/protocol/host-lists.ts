/**
 * Converts servers, tools, prompts and resources to JSON. The JSON is the same over HTTP, WebSockets and stdio. Unknown facts about a
 * server are null.
 */
import type { HubTool, PromptInfo, ResourceInfo, ServerStatus, ToolHub } from "../../core/ports.js";
import type { ServerSetting } from "../../core/server-settings.js";
import { tokensOfTool } from "../../session/tools/tool-choice.js";

export function serversJson(servers: readonly ServerStatus[]): object {
  return { servers: servers.map(serverJson) };
}

/** Returns a server with what the configuration says about it. The parameter `setting` is undefined for the server of the demo model. */
export function configuredServerJson(status: ServerStatus, setting?: ServerSetting): object {
  const { source = null, isEnabled = true, entry = null, canLogOut = false } = setting ?? {};
  const facts = { source, enabled: isEnabled, editable: entry !== null, entry, can_log_out: canLogOut };
  return { ...serverJson(status), ...facts };
}

export function toolsJson(tools: readonly HubTool[]): object {
  return {
    tools: tools.map((tool) => ({
      name: tool.name,
      server: tool.server,
      tool: tool.tool,
      description: tool.description,
      input_schema: tool.inputSchema,
      tokens: tokensOfTool(tool),
    })),
  };
}

export function promptsJson(prompts: readonly PromptInfo[]): object {
  return {
    prompts: prompts.map(({ name, server, description, arguments: parameters }) => ({
      name,
      server,
      description,
      arguments: parameters,
    })),
  };
}

export function resourcesJson(hub: ToolHub): object {
  return {
    resources: hub.resources().map(resourceJson),
    templates: hub.mcpResults.templates().map(({ uriTemplate, server }) => ({ uri_template: uriTemplate, server })),
  };
}

function resourceJson({ uri, server, name, description, mimeType }: ResourceInfo): object {
  return { uri, server, name, description, ...(mimeType === undefined ? {} : { mime_type: mimeType }) };
}

function serverJson(status: ServerStatus): object {
  const { startMs = null, latencyMs = null, version = null, era = null, reason = null, ...rest } = status;
  const login = status.state === "needs_auth" ? `mcp-platform servers login ${status.name}` : null;
  return { ...rest, era, start_ms: startMs, latency_ms: latencyMs, version, reason, login };
}
