/** Functions that read the event log without starting a host. */

import { setTimeout as sleep } from "node:timers/promises";
import { findSilentHosts, watchForLostHosts } from "../cluster/lost-hosts.js";
import { type Nodes, nodesOf } from "../cluster/nodes.js";
import { configuredSecrets } from "../config/reading/secrets.js";
import type { Config, StorageConfig } from "../core/config.js";
import type { Environment } from "../core/environment.js";
import { thisMachine } from "../core/files/this-machine.js";
import { newId } from "../core/ids.js";
import type { Observe } from "../core/ports.js";
import type { LogNode } from "../core/turn-leases.js";
import { defaultLeaseMs } from "../core/turn-leases.js";
import type { Period } from "../core/usage-store.js";
import { openStore } from "../log/open.js";
import { LogClock } from "../log/postgres/log-clock.js";
import { isGone } from "../log/shared/host-process.js";
import { Conversations } from "../session/conversations/conversations.js";
import { type UsageKey, type UsageReport, usageReport } from "../session/conversations/usage-report.js";
import { bringToSchema } from "./open-log.js";
import { stderrLog } from "./stderr-log.js";

/** Opens the log to read its conversations. Also returns the configured secrets, which must be removed from exports. Throws StoreError. */
export async function openConversations(
  config: Config,
  env: Environment,
): Promise<{ conversations: Conversations; secrets: readonly string[] }> {
  const { store, isLost } = await readableLog(config);
  const judged = { isGone: isLost, leaseMs: leaseOf(config.chat.storage) };
  const hosts = {
    silentHosts: () => findSilentHosts(store.turns, judged),
    lostHosts: () => watchForLostHosts(store.turns, { ...judged, wait: sleep }),
  };
  const hasOnlyOwnTitles = () => config.chat.titles.by === "off";
  const conversations = new Conversations({ store, hosts, newId, hasOnlyOwnTitles });
  return { conversations, secrets: configuredSecrets(config, env) };
}

/** Returns the hosts that are registered in the log. Throws StoreError. */
export async function readNodes(config: Config): Promise<Nodes> {
  const { store, isLost } = await readableLog(config);
  try {
    return await nodesOf(store, isLost, leaseOf(config.chat.storage));
  } finally {
    await store.close();
  }
}

/** Returns the usage in the period. Throws StoreError. */
export async function readUsage(config: Config, by: UsageKey, period: Period): Promise<UsageReport> {
  const { store } = await readableLog(config);
  try {
    return await usageReport(store.usage, by, period);
  } finally {
    await store.close();
  }
}

/**
 * Migrates the event log to the schema of this program version. Returns the location of the log and the version of the schema. Throws
 * StoreError.
 */
export function migrateLog(config: Config): Promise<{ location: string; version: number }> {
  return bringToSchema(config.chat.storage, { now: Date.now, observe: observerOf(config) });
}

/** Returns how long, in ms, a host that sends no heartbeat still counts as alive. */
export function leaseOf(storage: StorageConfig): number {
  return (storage.driver === "postgres" ? storage.leaseMs : undefined) ?? defaultLeaseMs;
}

async function readableLog(config: Config) {
  const clock = new LogClock(Date.now);
  const onLogTime = (time: number) => clock.correct(time);
  const store = await openStore(config.chat.storage, { now: clock.now, onLogTime, observe: observerOf(config) });
  const machine = thisMachine();
  return { store, isLost: (node: LogNode) => isGone(node, machine, config.chat.storage.driver) };
}

function observerOf(config: Config): Observe {
  return stderrLog(() => config, process.env);
}
