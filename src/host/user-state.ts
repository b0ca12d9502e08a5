/**
 * Access to the state that all hosts of a user store outside the event log: lasting approvals, logins, and remembered lists of servers. The
 * functions work without a running host.
 */

import { homedir } from "node:os";
import { join } from "node:path";
import { Approvals } from "../config/consent/approvals.js";
import type { ConfiguredServer } from "../core/config.js";
import type { Environment } from "../core/environment.js";
import { stateFolder } from "../core/files/state-folder.js";
import type { Observe, StoredApprovals } from "../core/ports.js";
import type { Logins } from "../mcp/auth/logins.js";
import type { ManifestFiles } from "../mcp/lists/manifest.js";

/** Opens the store of the user's lasting approvals and refusals of tool calls. */
export function openApprovals(env: Environment, observe: Observe): Approvals {
  return new Approvals(stateFolder(env, "approvals"), { observe, now: Date.now });
}

/** Returns a view of the store that contains only the user's refusals, and stores nothing. */
export function refusalsIn(approvals: StoredApprovals): StoredApprovals {
  return {
    find(tool, project) {
      const answer = approvals.find(tool, project);
      return answer?.allow === false ? answer : undefined;
    },
  };
}

/**
 * Creates the logins for those servers that are remote. `showPage` is called with the address of a login page and must show it to the user.
 */
export async function createLogins(
  servers: readonly ConfiguredServer[],
  env: Environment,
  showPage: (page: URL) => void,
): Promise<Logins> {
  const { Logins } = await import("../mcp/auth/logins.js");
  return new Logins(servers, { folder: stateFolder(env, "auth"), showPage });
}

/**
 * Returns where hosts remember the lists of servers (such as their tools): a folder, and a file with a key. The names of the files in that
 * folder are computed with this key.
 */
export function manifestFiles(env: Environment): ManifestFiles {
  const cache = join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache"), "mcp-platform");
  return { folder: join(cache, "manifests"), keyFile: stateFolder(env, "manifests.key") };
}
