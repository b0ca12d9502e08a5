import type { McpServer } from "@agentclientprotocol/sdk";

/** Converts the client's servers to entries of `mcpServers`. The servers run in the session's folder. */
export function serversOf(servers: readonly McpServer[], folder: string): Record<string, object> {
  return Object.fromEntries(servers.map((server) => [server.name, { roots: [folder], ...reachedBy(server, folder) }]));
}

function reachedBy(server: McpServer, folder: string): object {
  if ("type" in server) return { type: server.type, url: server.url, headers: record(server.headers) };
  return { command: server.command, args: server.args, env: record(server.env), cwd: folder };
}

function record(pairs: readonly { name: string; value: string }[]): Record<string, string> {
  return Object.fromEntries(pairs.map(({ name, value }) => [name, value]));
}
