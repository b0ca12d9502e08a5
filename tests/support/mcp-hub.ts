import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { RemoteServerConfig, ServerConfig, StdioServerConfig } from "../../src/core/config.js";
import type { Observation, SendOptions, ServerStatus, ToolResult } from "../../src/core/ports.js";
import { McpHub } from "../../src/mcp/hub.js";
import type { ManifestFiles } from "../../src/mcp/lists/manifest.js";
import type { ServerHostOptions } from "../../src/mcp/server/supervised-server.js";

const common = {
  enabled: true,
  required: false,
  trusted: false,
  timeoutMs: 10_000,
  maxTotalTimeoutMs: 60_000,
  startupTimeoutMs: 20_000,
  startupGraceMs: 15_000,
  lazy: false,
  pingIntervalMs: 30_000,
  protocol: "auto" as const,
  sampling: "ask" as const,
  roots: [],
  tools: { allow: [], deny: [], autoApprove: [], timeoutsMs: {} },
};

/** Returns `mcpServers.<name>` for a script of this project that runs with Node. */
export function nodeServer(
  name: string,
  args: readonly string[],
  overrides: Partial<StdioServerConfig> = {},
): StdioServerConfig {
  return {
    ...common,
    name,
    transport: "stdio",
    command: process.execPath,
    args,
    env: {},
    maxMessageMb: 64,
    ...overrides,
  };
}

/** Returns the configuration of mcp-server.mjs, with the behaviour that its file header describes. */
export function fixture(
  name: string,
  behaviour: Record<string, unknown> = {},
  overrides: Partial<StdioServerConfig> = {},
): StdioServerConfig {
  return nodeServer(name, [resolve("tests/support/mcp-server.mjs"), JSON.stringify(behaviour)], overrides);
}

export function remoteServer(
  name: string,
  url: string,
  transport: RemoteServerConfig["transport"],
): RemoteServerConfig {
  return { ...common, name, url, transport, headers: {} };
}

export interface RunningHub extends AsyncDisposable {
  hub: McpHub;
  log: Observation[];
  statuses: ServerStatus[];
  /** Prepares and sends a call. A refusal is returned as a result. */
  call(name: string, args?: unknown, options?: CallOptions): Promise<ToolResult>;
}

type CallOptions = Partial<SendOptions>;

export function startHub(...configs: ServerConfig[]): RunningHub {
  return startHubWith({}, ...configs);
}

export function startHubWith(host: ServerHostOptions, ...configs: ServerConfig[]): RunningHub {
  const log: Observation[] = [];
  const statuses: ServerStatus[] = [];
  const hub = new McpHub(configs, {
    ...host,
    observe: (event) => log.push(event),
    onStatus: (status) => statuses.push(status),
  });
  hub.start();
  return {
    hub,
    log,
    statuses,
    async call(name, args = {}, { signal = new AbortController().signal, ...more } = {}) {
      const prepared = await hub.prepare({ id: "call_1", name, arguments: JSON.stringify(args) });
      return "refused" in prepared ? prepared.refused : prepared.send({ signal, ...more });
    },
    [Symbol.asyncDispose]: () => hub.close(),
  };
}

/** Waits for an effect of another process: checks the condition every few milliseconds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

export function temporaryFolder(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), "mcp-platform-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

/** Returns where a host of this folder keeps its record of what servers offer. */
export function manifestsIn({ path }: { path: string }): ManifestFiles {
  return { folder: join(path, "manifests"), keyFile: join(path, "manifests.key") };
}

/** Returns a file to which the fixture server appends. */
export function recording(): Disposable & { path: string; lines(): string[] } {
  const folder = temporaryFolder();
  const path = join(folder.path, "record");
  return {
    path,
    lines() {
      try {
        return readFileSync(path, "utf8").trim().split("\n");
      } catch {
        return [];
      }
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie is not running, even if its parent has not waited for it.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
