/** This process around the host: configuration files, signals, streams, and how it is left. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { App } from "./app.js";
import type { LoadedConfig } from "./config/load.js";
import { newId } from "./core/ids.js";
import type { Observe } from "./core/ports.js";
import type { DoorParts, OnInterrupt } from "./frontends/door.js";
import { exitCodes } from "./frontends/exit-codes.js";

/** The flags that every command takes. */
export interface GlobalOptions {
  config?: string;
  mcpConfig?: string;
  logLevel?: string;
}

const { stdout, stderr } = process;
/** The signal that told the host to end; it decides about the exit code then, whoever leaves first. */
let endedBy: "SIGTERM" | "SIGHUP" | undefined;

/** Starts the host, opens one front door and leaves with its exit code. */
export async function openDoor(
  flags: GlobalOptions,
  door: (parts: DoorParts, app: App) => Promise<number>,
  observe?: Observe,
): Promise<void> {
  const loaded = await load(flags);
  const { createApp } = await import("./app.js");
  const starting = createApp({ config: loaded, observe });
  // Listened to from the start, because servers run before the app is there.
  for (const signal of ["SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      endedBy = signal;
      void starting.then((app) => app.close()).finally(() => leave(exitCodes.terminated));
    });
  }
  const app = await starting;
  const { sessions, hub, resolveModel } = app;
  try {
    const exitCode = await door({ sessions, hub, resolveModel, newId, now: Date.now }, app);
    onInterrupt(() => leave(exitCodes.cancelled));
    await app.close();
    leave(exitCode);
  } catch (error) {
    await app.close();
    throw error;
  }
}

/** The configuration that flags, environment and file make. Throws ConfigError. */
export async function load(flags: GlobalOptions): Promise<LoadedConfig> {
  const { config: file = process.env.MCP_PLATFORM_CONFIG ?? usersFile(), mcpConfig, logLevel } = flags;
  const { loadConfig } = await import("./config/load.js");
  return loadConfig(file ?? {}, {
    overrides: {
      ...(mcpConfig ? { mcp: { config_file: resolve(mcpConfig) } } : {}),
      ...(logLevel ? { logging: { level: logLevel } } : {}),
    },
  });
}

function usersFile(): string | undefined {
  const userFolder = join(process.env.XDG_CONFIG_HOME || join(homedir(), ".config"), "mcp-platform");
  const places = ["mcp-platform.yaml", "config.yaml", join(userFolder, "config.yaml")];
  return places.find((place) => existsSync(place));
}

/** Logins at the configured remote servers; pages to visit are named on stderr. */
export async function loginsOf(flags: GlobalOptions) {
  const { config } = await load(flags);
  const { createLogins } = await import("./app.js");
  const { openInBrowser } = await import("./frontends/browser.js");
  return createLogins(config, process.env, (page) => {
    stderr.write(`Open this page to log in:\n${page}\n`);
    if (stderr.isTTY) openInBrowser(page);
  });
}

/** A reader that has gone (`| head`) is no failure, a full disk is one. Without a listener both would end in a stack trace. */
export function guardStreams(): void {
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || (error.code === "EIO" && stdout.isTTY)) return; // EIO: the terminal was closed
    process.exitCode = exitCodes.unexpected;
    stderr.write(`error: cannot write to stdout: ${error.message}\n`);
  });
  stderr.on("error", () => {});
}

export function onInterrupt(listener: () => void): ReturnType<OnInterrupt> {
  process.on("SIGINT", listener);
  return () => void process.off("SIGINT", listener);
}

export function print(text: string): void {
  stdout.write(text.endsWith("\n") ? text : `${text}\n`);
}

/** Leaves at once: nothing that a server or a socket left behind may hold the process. */
export function leave(exitCode: number): never {
  // Node's own exit sets the terminal back, and aborts where that has gone. The signal's default is to end us.
  if (endedBy === "SIGHUP") process.kill(process.pid, endedBy);
  if (endedBy) process.exit(exitCodes.terminated);
  process.exit(exitCode === exitCodes.done ? process.exitCode : exitCode);
}
