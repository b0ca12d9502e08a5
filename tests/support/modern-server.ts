import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import type { ConfiguredServer } from "../../src/core/config.js";
import { nodeServer, remoteServer } from "./mcp-hub.js";

export const ways = ["stdio", "http"] as const;
export type Way = (typeof ways)[number];

export interface ModernServer extends AsyncDisposable {
  /** The entry `mcpServers.m`. */
  config: ConfiguredServer;
}

/** Returns a server of 2026-07-28 from this folder. The host starts it over stdio; over HTTP it already listens. */
export async function modernServer(
  way: Way,
  behaviour: object = {},
  script: "mcp-modern.mjs" | "mcp-official.mjs" = "mcp-modern.mjs",
): Promise<ModernServer> {
  const args = [resolve("tests/support", script), JSON.stringify(behaviour)];
  // `protocol` is set because the host first takes a process that is slow to start for an older server.
  if (way === "stdio")
    return { config: nodeServer("m", args, { protocol: "modern" }), async [Symbol.asyncDispose]() {} };
  const child = spawn(process.execPath, [...args, "http"], { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = await once(child.stdout, "data");
  return {
    config: remoteServer("m", `http://127.0.0.1:${String(port).trim()}/mcp`, "http"),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}
