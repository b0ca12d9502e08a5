import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import type { ServerConfig } from "../../src/core/config.js";
import { nodeServer, remoteServer } from "./mcp-hub.js";

export const ways = ["stdio", "http"] as const;
export type Way = (typeof ways)[number];

export interface ModernServer extends AsyncDisposable {
  /** `mcpServers.m` */
  config: ServerConfig;
}

/** A server of 2026-07-28 out of this folder, which the host starts itself, or which listens already. */
export async function modernServer(
  way: Way,
  behaviour: object = {},
  script: "mcp-modern.mjs" | "mcp-official.mjs" = "mcp-modern.mjs",
): Promise<ModernServer> {
  const args = [resolve("tests/support", script), JSON.stringify(behaviour)];
  // Asked what it speaks, a process that is slow to start is taken for an older server at first.
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
