/** State that a user's hosts keep outside their logs, for use without a host: answers about tools, logins, what servers offered. */

import { homedir } from "node:os";
import { join } from "node:path";
import { Approvals } from "./config/approvals.js";
import type { ServerConfig } from "./core/config.js";
import type { Environment } from "./core/environment.js";
import type { Observe } from "./core/ports.js";
import { stateFolder } from "./core/state-folder.js";
import type { Logins } from "./mcp/auth/logins.js";
import type { ManifestPlace } from "./mcp/manifest.js";

/** Opens the user's lasting answers about tools. */
export function openApprovals(env: Environment, observe: Observe): Approvals {
  return new Approvals(stateFolder(env, "approvals"), { observe, now: Date.now });
}

/** Creates logins at the remote ones of these servers; `showPage` shows a login page to the person. */
export async function createLogins(
  servers: readonly ServerConfig[],
  env: Environment,
  showPage: (page: URL) => void,
): Promise<Logins> {
  const { Logins } = await import("./mcp/auth/logins.js");
  return new Logins(servers, { folder: stateFolder(env, "auth"), showPage });
}

/** Returns where the latest offers of servers are kept. */
export function manifestPlace(env: Environment): ManifestPlace {
  const cache = join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache"), "mcp-platform");
  return { folder: join(cache, "manifests"), keyFile: stateFolder(env, "manifests.key") };
}
