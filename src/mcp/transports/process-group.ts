/** A child process and all its descendants, as one thing to end: servers are often started through npx, uvx or a shell. */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

const pollMs = 20;
const ownGroup = process.platform !== "win32";
const alive = new Set<ProcessGroup>();

/** Best effort when the host leaves without having closed: nothing may be awaited here. */
process.on("exit", () => {
  for (const group of alive) group.signal("SIGKILL");
});

export class ProcessGroup {
  readonly leader: ChildProcess;

  constructor(command: string, args: readonly string[], options: SpawnOptions) {
    // A group of its own also keeps the terminal's Ctrl-C from the server: that is the host's to handle.
    this.leader = spawn(command, args, { ...options, detached: ownGroup, windowsHide: true });
    if (this.leader.pid !== undefined) alive.add(this);
  }

  /** SIGTERM, then SIGKILL after `graceMs`. Resolves when no process of the group is left, at the latest after the SIGKILL. */
  async end(graceMs: number): Promise<void> {
    this.signal("SIGTERM");
    await this.gone(graceMs);
    this.signal("SIGKILL");
    alive.delete(this);
  }

  /** Whether the group is empty after at most `withinMs`. */
  async gone(withinMs: number): Promise<boolean> {
    for (let waitedMs = 0; this.signal(0); waitedMs += pollMs) {
      if (waitedMs >= withinMs) return false;
      await sleep(pollMs);
    }
    alive.delete(this);
    return true;
  }

  /** Whether there was a process to signal. */
  signal(signal: NodeJS.Signals | 0): boolean {
    const { pid } = this.leader;
    if (pid === undefined || !alive.has(this)) return false;
    try {
      return ownGroup ? process.kill(-pid, signal) : this.leader.kill(signal);
    } catch {
      return false;
    }
  }
}
