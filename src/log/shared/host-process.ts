/** Identity of a host among the hosts that share an event log, and what it tells about a host that no longer answers. */
import type { StorageConfig } from "../../core/config.js";
import type { HostProcess, LogNode } from "../../core/turn-leases.js";

/**
 * True if the process has certainly ended. False for any process on another machine, because this host cannot check it. Also false if
 * another process has got the same process id. The hosts on one file are on one machine, so there another boot is an earlier one. The hosts
 * on a database can be on several machines with the same name, which only the id of the boot tells apart.
 */
export function isGone({ machine, pid }: HostProcess, ours: string, log: StorageConfig["driver"]): boolean {
  const [theirs, own] = [parsed(machine), parsed(ours)];
  if (theirs.namespace !== own.namespace) return false;
  if (log === "postgres" && !(own.boot && theirs.boot === own.boot)) return false;
  if (theirs.boot && own.boot && theirs.boot !== own.boot) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/**
 * True if this machine has certainly run without a restart since the host's last heartbeat. Boots are told apart by their id and, if one of
 * the hosts has none, by the time. `bootedAt`: start of this machine, in ms since the epoch.
 */
export function isOfThisBoot({ machine, seenAt }: LogNode, ours: string, bootedAt: number): boolean {
  const [theirs, own] = [parsed(machine), parsed(ours)];
  if (theirs.boot && own.boot) return theirs.boot === own.boot;
  return theirs.namespace === own.namespace && seenAt > bootedAt;
}

function parsed(machine: string): { namespace: string; boot: string | undefined } {
  const [host = "", namespace = "", boot] = machine.split(" ");
  return { namespace: `${host} ${namespace}`, boot };
}
