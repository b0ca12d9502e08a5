import { fileURLToPath } from "node:url";
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
    args: [fileURLToPath(new URL(script, import.meta.url))],
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

/** Path of the compiled server. A child process needs compiled code even if this module runs from source (ts-node, jest). */
const script = import.meta.url.endsWith(".ts") ? "../../dist/demo/mcp-server.js" : "./mcp-server.js";
