import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/**
 * Returns the name of the scope in which a process id is unique: a PID namespace on one machine, and the boot of that machine. Only Linux
 * has an id of the boot.
 */
export function thisMachine(): string {
  const namespace = textOf(() => readlinkSync("/proc/self/ns/pid")) ?? process.platform;
  const boot = textOf(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8"));
  return [hostname(), namespace, ...(boot ? [boot] : [])].join(" ");
}

function textOf(read: () => string): string | undefined {
  try {
    return read().trim();
  } catch {
    return undefined;
  }
}
