/** The host around one front door, from its configuration to the exit code of the process. */
import { setTimeout as sleep } from "node:timers/promises";
import type { App } from "../app.js";
import { configuredSecrets } from "../config/secrets.js";
import { newId } from "../core/ids.js";
import type { Observe } from "../core/ports.js";
import type { DoorParts } from "../frontends/door.js";
import { exitCodes } from "../frontends/exit-codes.js";
import { stderrLog } from "../stderr-log.js";
import { findSource, type GlobalOptions, load } from "./configuration.js";
import { confirmed } from "./confirmed.js";
import { keepStdoutClean, leave, onInterrupt, onTermination, whenWritten } from "./process.js";

export interface DoorOptions {
  /** Receives the log in place of stderr. */
  observe?: Observe;
  /** True if the door stays open for long: the servers then follow the configuration files. */
  followsFiles?: boolean;
  /** True if metrics can be scraped. */
  scraped?: boolean;
}

/** Longest delay of the process's end by a slow reader. */
const flushMs = 1_000;
/** Longest time for a host to leave after draining, even if something hangs. What it has not given back is free after its lease. */
const partingMs = 5_000;

/** Starts the host, opens one front door and leaves with its exit code. */
export async function openDoor(
  flags: GlobalOptions,
  door: (parts: DoorParts, app: App) => Promise<number>,
  { observe, followsFiles = false, scraped = false }: DoorOptions = {},
): Promise<void> {
  keepStdoutClean();
  const source = findSource(flags);
  const read = await load(flags, source);
  const loaded = await confirmed(read, flags, source);
  const { createApp } = await import("../app.js");
  const { createLogins } = await import("../user-state.js");
  const flushes: (() => Promise<void>)[] = [];
  const starting = createApp({ config: loaded, observe, scraped, recover: false, questionTimeoutMs: Infinity });
  let host: App | undefined;
  // Registered before the app exists, because servers already run.
  onTermination(async (signal) => {
    const { drainTimeoutMs } = (host ?? loaded).config.chat.service;
    // Closing the terminal (SIGHUP) ends what runs in it. After SIGTERM the process may start again, so its turns are drained.
    const ended = starting.then((app) => (signal === "SIGTERM" ? app.drain(drainTimeoutMs) : app.close()));
    await Promise.race([ended, sleep(drainTimeoutMs + partingMs)]);
    await Promise.race([Promise.all([whenWritten(), ...flushes.map((flush) => flush())]), sleep(flushMs)]);
  });
  const app = await starting;
  host = app;
  const { sessions, hub, resolveModel, scrape } = app;
  const { Reload } = await import("./reload.js");
  const reload = new Reload({ flags, source, read, loaded, host: app });
  // The person at the terminal wants to see that the change was applied.
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
    const exitCode = await door(parts, app).finally(stopFollowing);
    onInterrupt(() => leave(exitCodes.cancelled));
    await app.close();
    const isCancelled = exitCode === exitCodes.cancelled;
    await Promise.race([whenWritten(), ...(isCancelled ? [sleep(flushMs)] : [])]);
    leave(exitCode);
  } catch (error) {
    await app.close();
    throw error;
  }
}
