/** Identity of this host among the hosts that share an event log. */
import { readlinkSync } from "node:fs";
import { hostname } from "node:os";
import type { HostProcess } from "../core/store-ports.js";

/** Returns the name of the scope in which a process id is unique: a PID namespace on one machine. */
export function thisMachine(): string {
  return `${hostname()} ${pidNamespace()}`;
}

/**
 * True if the process has certainly ended. False for any process on another machine, because this host cannot check it. Also false if
 * another process has got the same process id.
 */
export function isGone({ machine, pid }: HostProcess, ours: string): boolean {
  if (machine !== ours) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

function pidNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return process.platform;
  }
}
