/** What the hosts of a user keep beside their logs, for whoever asks without a host: answers about tools, logins, what servers offered. */

import { homedir } from "node:os";
import { join } from "node:path";
import { Approvals } from "./config/approvals.js";
import type { ServerConfig } from "./core/config.js";
import type { Environment } from "./core/environment.js";
import type { Observe } from "./core/ports.js";
import { stateFolder } from "./core/state-folder.js";
import type { Logins } from "./mcp/auth/logins.js";
import type { ManifestPlace } from "./mcp/manifest.js";

/** What the user has answered about tools, for a project or for good. */
export function openApprovals(env: Environment, observe: Observe): Approvals {
  return new Approvals(stateFolder(env, "approvals"), { observe, now: Date.now });
}

/** Logins at the remote ones of these servers; `showPage` brings a login page before the person. */
export async function createLogins(
  servers: readonly ServerConfig[],
  env: Environment,
  showPage: (page: URL) => void,
): Promise<Logins> {
  const { Logins } = await import("./mcp/auth/logins.js");
  return new Logins(servers, { folder: stateFolder(env, "auth"), showPage });
}

/** Where what servers offered the last time is kept. */
export function manifestPlace(env: Environment): ManifestPlace {
  const cache = join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache"), "mcp-platform");
  return { folder: join(cache, "manifests"), keyFile: stateFolder(env, "manifests.key") };
}
