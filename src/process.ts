/** This process around the host: configuration files, signals, streams, and how it is left. */
import { Console } from "node:console";
import { setTimeout as sleep } from "node:timers/promises";
import type { App } from "./app.js";
import type { LoadedConfig } from "./config/load.js";
import { type ConfigSource, findSource, findUnconfirmed, type GlobalOptions, load } from "./configuration.js";
import { newId } from "./core/ids.js";
import type { Observe } from "./core/ports.js";
import type { DoorParts, OnInterrupt } from "./frontends/door.js";
import { exitCodes } from "./frontends/exit-codes.js";
import { fromLevel, jsonLog } from "./logging.js";

export interface DoorOptions {
  /** Gets the log instead of stderr. */
  observe?: Observe;
  /** The door stays open for long: the servers follow the configuration files. */
  followsFiles?: boolean;
}

/** How long whoever reads slowly may keep the process. */
const flushMs = 1_000;
const { stdout, stderr } = process;
/** The signal that told the host to end; it decides about the exit code then, whoever leaves first. */
let endedBy: "SIGTERM" | "SIGHUP" | undefined;

/** Starts the host, opens one front door and leaves with its exit code. */
export async function openDoor(
  flags: GlobalOptions,
  door: (parts: DoorParts, app: App) => Promise<number>,
  { observe, followsFiles = false }: DoorOptions = {},
): Promise<void> {
  keepStdoutClean();
  const source = findSource(flags);
  const read = await load(flags, source);
  const { contentsOf } = await import("./config/watch.js");
  const contents = contentsOf(read.files);
  const loaded = await confirmed(read, flags, source);
  const { createApp, createLogins } = await import("./app.js");
  const flushes: (() => Promise<void>)[] = [];
  const starting = createApp({ config: loaded, observe, recover: false });
  // Listened to from the start, because servers run before the app is there.
  for (const signal of ["SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      endedBy = signal;
      const { drainTimeoutMs } = loaded.config.chat.service;
      // Who closes the terminal is done with what runs in it; who ends the process may start it again.
      const end = (app: App) => (signal === "SIGTERM" ? app.drain(drainTimeoutMs) : app.close());
      void starting
        .then(end)
        .then(() => Promise.race([Promise.all(flushes.map((flush) => flush())), sleep(flushMs)]))
        .finally(() => leave(exitCodes.terminated));
    });
  }
  const app = await starting;
  const { sessions, hub, resolveModel } = app;
  const { Reload } = await import("./reload.js");
  const reload = new Reload({ flags, source, read, loaded, contents, apply: (servers) => app.applyServers(servers) });
  // Whoever sits at the terminal wants to know that the change was taken.
  const log =
    observe ??
    fromLevel(
      loaded.config.logging.level,
      jsonLog((line) => stderr.write(line), Date.now),
    );
  const stopFollowing = followsFiles
    ? reload.watch(({ level, text }) => log({ level, scope: "config", message: text }))
    : () => {};
  try {
    const onLeaving = (flush: () => Promise<void>) => void flushes.push(flush);
    const login: DoorParts["login"] = async (name, showPage) =>
      (await createLogins(reload.servers, process.env, showPage)).login(name);
    const now = Date.now;
    const parts = { sessions, hub, resolveModel, reload: () => reload.now(), login, onLeaving, newId, now };
    const exitCode = await door(parts, app).finally(stopFollowing);
    onInterrupt(() => leave(exitCodes.cancelled));
    await app.close();
    leave(exitCode);
  } catch (error) {
    await app.close();
    throw error;
  }
}

/** As the user has it after he was asked, where he can be. Else the host goes on without what nobody has confirmed. */
async function confirmed(loaded: LoadedConfig, flags: GlobalOptions, source: ConfigSource): Promise<LoadedConfig> {
  const unconfirmed = await findUnconfirmed(loaded, { flags, source });
  if (!unconfirmed) return loaded;
  const { file, servers, settings, list } = unconfirmed;
  const { inert, unambiguous } = await import("./frontends/terminal.js");
  if (process.stdin.isTTY && stderr.isTTY) {
    const { createInterface } = await import("node:readline/promises");
    const line = createInterface({ input: process.stdin, output: stderr });
    const question = `${file} in this folder does this, with your rights:\n${list}Let it from now on? y/n: `;
    const answer = await line.question(unambiguous(question)).finally(() => line.close());
    if (/^y(es)?$/i.test(answer.trim())) {
      unconfirmed.confirm();
      return loaded;
    }
  } else {
    const left = [
      ...(servers.length > 0 ? ["its MCP servers are not started"] : []),
      ...(settings.length > 0 ? [`these settings do not count (${settings.join(", ")})`] : []),
    ];
    stderr.write(
      inert(
        `${file} was only found in this folder, so ${left.join(" and ")} until you confirm that: ` +
          `pass --trust-project or --config ${file}, or answer the question once in a terminal.\n`,
      ),
    );
  }
  return unconfirmed.refused;
}

/** The configuration as far as it is confirmed. Throws ConfigError. */
export async function loadConfirmed(flags: GlobalOptions): Promise<LoadedConfig> {
  const source = findSource(flags);
  return confirmed(await load(flags, source), flags, source);
}

/** Logins at the configured remote servers; pages to visit are named on stderr. */
export async function loginsOf(flags: GlobalOptions) {
  const { config } = await loadConfirmed(flags);
  const { createLogins } = await import("./app.js");
  const { openInBrowser } = await import("./frontends/browser.js");
  return createLogins(config.mcpServers, process.env, (page) => {
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

/** Whatever a library says with `console` goes to stderr: stdout is for an answer or a protocol. */
function keepStdoutClean(): void {
  globalThis.console = new Console(stderr, stderr);
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
