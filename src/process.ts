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
  trustProject?: boolean;
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
  const loaded = await confirmed(await load(flags), flags);
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
  const { loadConfig } = await import("./config/load.js");
  return loadConfig(namedFile(flags) ?? foundFile() ?? usersFile() ?? {}, { overrides: overridesOf(flags) });
}

function overridesOf({ mcpConfig, logLevel }: GlobalOptions) {
  return {
    ...(mcpConfig ? { mcp: { config_file: resolve(mcpConfig) } } : {}),
    ...(logLevel ? { logging: { level: logLevel } } : {}),
  };
}

function namedFile({ config }: GlobalOptions): string | undefined {
  return config ?? process.env.MCP_PLATFORM_CONFIG;
}

/** In the working directory, which may be anybody's. */
function foundFile(): string | undefined {
  return ["mcp-platform.yaml", "config.yaml"].find((name) => existsSync(name));
}

function usersFile(): string | undefined {
  const file = join(process.env.XDG_CONFIG_HOME || join(homedir(), ".config"), "mcp-platform", "config.yaml");
  return existsSync(file) ? file : undefined;
}

/**
 * Servers of a file that the user has not named, but that was found here, start when he has said so: once for each path and
 * content, at the terminal or by the flag. Else the host goes on without them.
 */
async function confirmed(loaded: LoadedConfig, flags: GlobalOptions): Promise<LoadedConfig> {
  const file = namedFile(flags) === undefined ? foundFile() : undefined;
  if (file === undefined || flags.trustProject) return loaded;
  const { Confirmations, describe, fingerprint, projectServers, refuse } = await import("./config/project-servers.js");
  const { loadConfig } = await import("./config/load.js");
  const own = flags.mcpConfig ? loadConfig({}, { overrides: overridesOf(flags) }).config.mcpServers : [];
  const servers = projectServers(loaded, own);
  if (servers.length === 0) return loaded;
  const stateHome = process.env.XDG_STATE_HOME || join(homedir(), ".local", "state");
  const confirmations = new Confirmations(join(stateHome, "mcp-platform", "confirmed.json"));
  const print = fingerprint(servers, loaded);
  if (confirmations.has(resolve(file), print)) return loaded;

  const list = servers.map((server) => `  ${describe(server)}\n`).join("");
  if (process.stdin.isTTY && stderr.isTTY) {
    const { inert } = await import("./frontends/terminal.js");
    const { createInterface } = await import("node:readline/promises");
    const line = createInterface({ input: process.stdin, output: stderr });
    const question = `${file} in this folder starts these MCP servers, with your rights:\n${list}Start them from now on? y/n: `;
    const answer = await line.question(inert(question)).finally(() => line.close());
    if (/^y(es)?$/i.test(answer.trim())) {
      confirmations.add(resolve(file), print);
      return loaded;
    }
  } else {
    stderr.write(
      `${file} was only found in this folder, so its MCP servers are not started until you confirm them: ` +
        `pass --trust-project or --config ${file}, or answer the question once in a terminal.\n`,
    );
  }
  const refusal = `nobody has confirmed the servers of ${file} (pass --trust-project, or --config ${file})`;
  return refuse(loaded, servers, refusal);
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
