/** Starts a host with one front door, from the loading of its configuration to the exit code of the process. */
import { setTimeout as sleep } from "node:timers/promises";
import { configuredSecrets } from "../../config/reading/secrets.js";
import { newId } from "../../core/ids.js";
import type { Observe } from "../../core/ports.js";
import type { DoorParts } from "../../doors/shared/door.js";
import { exitCodes } from "../../doors/shared/exit-codes.js";
import type { App } from "../../host/app.js";
import { stderrLog } from "../../host/stderr-log.js";
import { findSource, type GlobalOptions, load } from "./configuration.js";
import { confirmed } from "./confirmed.js";
import { exit, keepStdoutClean, onInterrupt, onTermination, whenWritten } from "./process.js";
import type { Reload } from "./reload.js";

export interface DoorOptions {
  /** Receives the log lines. If undefined, log lines are written to stderr. */
  observe?: Observe;
  /** True if the front door runs for a long time. The host then applies changes of its configuration files. */
  followsFiles?: boolean;
  /** True if Prometheus can scrape metrics from the front door. */
  scraped?: boolean;
  /** True to cancel running turns on SIGTERM. Default: they are drained. */
  cancelsOnTerm?: boolean;
  /**
   * True if the turns are those of clients that may come back for them. However the process ends, running turns then continue on the next
   * host. Default: they are cancelled unless the process ends by SIGTERM.
   */
  leavesTurns?: boolean;
}

/** Longest time, in ms, that the ending process waits for a slow reader of stdout. */
const flushMs = 1_000;
/**
 * Longest time, in ms, that a host may take to end after draining. After it, the process ends even if something hangs. Leases of turns that
 * the host has not released then expire, and another host can continue these turns.
 */
const partingMs = 5_000;

/** Starts the host, then calls `door`, which runs the front door. When `door` returns, ends the process with the returned exit code. */
export async function openDoor(
  flags: GlobalOptions,
  door: (parts: DoorParts, app: App, reload: Reload) => Promise<number>,
  { observe, followsFiles = false, scraped = false, cancelsOnTerm = false, leavesTurns = false }: DoorOptions = {},
): Promise<void> {
  keepStdoutClean();
  const source = findSource(flags);
  const read = await load(flags, source);
  const loaded = await confirmed(read, flags, source);
  const { createApp } = await import("../../host/app.js");
  const { createLogins } = await import("../../host/user-state.js");
  const flushes: (() => Promise<void>)[] = [];
  const starting = createApp({ config: loaded, observe, scraped, recover: false, questionTimeoutMs: Infinity });
  let host: App | undefined;
  const end = (app: App) => (leavesTurns ? app.drain(0) : app.close());
  const flushed = () => Promise.all([whenWritten(), ...flushes.map((flush) => flush())]);
  // Registered before the app exists, because servers of the app already run while the app starts.
  onTermination(async (signal) => {
    const { drainTimeoutMs } = (host ?? loaded).config.chat.service;
    // SIGHUP means that the terminal was closed: running turns are cancelled. After SIGTERM a new process may follow, so running turns are
    // drained. A door may say otherwise.
    const drains = signal === "SIGTERM" && !cancelsOnTerm;
    const ended = starting.then((app) => (drains ? app.drain(drainTimeoutMs) : end(app)));
    await Promise.race([ended, sleep(drainTimeoutMs + partingMs)]);
    await Promise.race([flushed(), sleep(flushMs)]);
  });
  const app = await starting;
  host = app;
  const { sessions, hub, resolveModel, scrape } = app;
  const { Reload } = await import("./reload.js");
  const reload = new Reload({ flags, source, read, loaded, host: app });
  // Changes of the configuration are logged, so that the person at the terminal sees that they were applied.
  const log = observe ?? stderrLog(() => app.config, process.env);
  const stopFollowing = followsFiles
    ? reload.watch(({ level, text }) => log({ level, scope: "config", message: text }))
    : () => {};
  try {
    const onLeaving = (flush: () => Promise<void>) => void flushes.push(flush);
    const login: DoorParts["login"] = async (name, showPage) =>
      (await createLogins(app.config.mcpServers, process.env, showPage)).login(name);
    const now = Date.now;
    const parts = {
      ...{
        sessions,
        hub,
        resolveModel,
        choosableModels: app.choosableModels,
        reload: () => reload.now(),
        login,
        scrape,
        onLeaving,
        newId,
        now,
        observe: log,
      },
      secrets: () => configuredSecrets(app.config, process.env),
    };
    const exitCode = await door(parts, app, reload).finally(stopFollowing);
    onInterrupt(() => exit(exitCodes.cancelled));
    await end(app);
    const isCancelled = exitCode === exitCodes.cancelled;
    await Promise.race([flushed(), ...(isCancelled ? [sleep(flushMs)] : [])]);
    exit(exitCode);
  } catch (error) {
    await app.close();
    throw error;
  }
}
