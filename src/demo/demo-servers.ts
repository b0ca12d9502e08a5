import { fileURLToPath } from "node:url";
import { builtFile } from "../core/built-file.js";
import type { StdioServerConfig } from "../core/config.js";

/**
 * Returns the bundled MCP server, which runs if the user has no configuration. The server belongs to this project, so its annotations are
 * trusted.
 */
export function demoServer(): StdioServerConfig {
  return {
    name: "demo",
    transport: "stdio",
    command: process.execPath,
    args: [fileURLToPath(builtFile("demo/mcp-server.js"))],
    env: {},
    maxMessageMb: 64,
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
}
