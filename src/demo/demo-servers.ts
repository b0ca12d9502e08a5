import { fileURLToPath } from "node:url";
import { builtFile } from "../core/built-file.js";
import type { ServerCommon, StdioServerConfig } from "../core/config.js";

/** Settings of a server that no configuration file has. It comes with the host or with its program, so its annotations are trusted. */
export const ownServer: Omit<ServerCommon, "name"> = {
  enabled: true,
  required: false,
  trusted: true,
  timeoutMs: 60_000,
  maxTotalTimeoutMs: 600_000,
  startupTimeoutMs: 30_000,
  startupGraceMs: 15_000,
  lazy: false,
  pingIntervalMs: 30_000,
  protocol: "auto",
  sampling: "ask",
  roots: [],
  tools: { allow: [], deny: [], autoApprove: [], timeoutsMs: {} },
};

/** Returns the bundled MCP server, which runs if the user has no configuration. */
export function demoServer(): StdioServerConfig {
  return {
    ...ownServer,
    name: "demo",
    transport: "stdio",
    command: process.execPath,
    args: [fileURLToPath(builtFile("demo/mcp-server.js"))],
    env: {},
    maxMessageMb: 64,
  };
}
