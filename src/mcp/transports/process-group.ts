/**
 * A child process and its descendants, which end together. A descendant is often the server itself, because servers are started through
 * npx, uvx or a shell. Descendants in a session of their own are left alone: they look the same as daemons that a user wants to stay.
 */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const pollMs = 20;
const hasGroups = process.platform !== "win32";
const alive = new Set<ProcessGroup>();

/** Kills the processes if the host exits without closing them. Nothing can be awaited here, so the processes get no time to end. */
process.on("exit", () => {
  for (const group of alive) group.signal("SIGKILL");
});

export class ProcessGroup {
  readonly leader: ChildProcess;

  constructor(command: string, args: readonly string[], options: SpawnOptions) {
    // The server gets its own process group, so the terminal's Ctrl-C does not reach the server: only the host handles Ctrl-C.
    this.leader = spawn(command, args, { ...options, detached: hasGroups, windowsHide: true });
    if (this.leader.pid === undefined) return;
    alive.add(this);
    if (hasGroups) watchGroup(this.leader.pid);
  }

  /** Sends SIGTERM. If the group is not empty after `graceMs`, also sends SIGKILL. Resolves when the group is empty or SIGKILL was sent. */
  async end(graceMs: number): Promise<void> {
    this.signal("SIGTERM");
    await this.gone(graceMs);
    this.signal("SIGKILL");
    this.#forget();
  }

  /** Resolves with true once the group is empty, or with false after `withinMs`. */
  async gone(withinMs: number): Promise<boolean> {
    const until = performance.now() + withinMs;
    while (!this.#isEmpty()) {
      if (performance.now() >= until) return false;
      await sleep(pollMs);
    }
    this.#forget();
    return true;
  }

  #forget(): void {
    if (alive.delete(this) && hasGroups && this.leader.pid !== undefined) unwatchGroup(this.leader.pid);
  }

  /** Sends a signal to the group. Returns false if there was no process to receive it. */
  signal(signal: NodeJS.Signals | 0): boolean {
    const { pid } = this.leader;
    if (pid === undefined || !alive.has(this)) return false;
    try {
      return hasGroups ? process.kill(-pid, signal) : this.leader.kill(signal);
    } catch {
      return false;
    }
  }

  #isEmpty(): boolean {
    const { pid, exitCode, signalCode } = this.leader;
    if (!this.signal(0)) return true;
    const isLeaderGone = exitCode !== null || signalCode !== null;
    return isLeaderGone && process.platform === "linux" && pid !== undefined && hasOnlyZombies(pid);
  }
}

/**
 * Returns true if every process in the group is a zombie. A dead descendant stays in its group until PID 1 reaps it, which in a container
 * may take seconds or never happen.
 */
function hasOnlyZombies(group: number): boolean {
  try {
    return readdirSync("/proc").every((entry) => !/^\d+$/.test(entry) || !livesInGroup(entry, group));
  } catch {
    return false;
  }
}

function livesInGroup(pid: string, group: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // the fields according to proc(5): pid (name) state ppid pgrp
    const [state, , itsGroup] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(itsGroup) === group && state !== "Z" && state !== "X";
  } catch {
    return false; // the process has exited since /proc was listed
  }
}

/**
 * Shell script of the watcher process. It reads lines `+ GROUP` (watch this process group) and `- GROUP` (stop watching it) from stdin.
 * Stdin ends when the host ends; the script then ends the watched groups. It ignores signals of terminals and of process supervisors,
 * because the host handles these signals.
 */
const script = `
trap '' HUP INT TERM
left=
while read -r sign group; do
  if [ "$sign" = + ]; then left="$left $group"; continue; fi
  rest=
  for one in $left; do [ "$one" = "$group" ] || rest="$rest $one"; done
  left=$rest
done
[ -n "$left" ] || exit 0
for one in $left; do kill -TERM "-$one"; done
sleep 1
for one in $left; do kill -KILL "-$one"; done
`;

let input: Socket | undefined;

/** Makes sure that a process group ends when this process ends for any reason. POSIX only. Does nothing if there is no shell. */
function watchGroup(group: number): void {
  input ??= startWatcher();
  input.write(`+ ${group}\n`);
}

/** Stops watching a group that has ended, because a new group may get the same number. */
function unwatchGroup(group: number): void {
  input?.write(`- ${group}\n`);
}

function startWatcher(): Socket {
  const watcher = spawn("/bin/sh", ["-c", script], { detached: true, stdio: ["pipe", "ignore", "ignore"], env: {} });
  watcher.on("error", () => {});
  watcher.unref();
  const pipe = watcher.stdin as Socket;
  pipe.on("error", () => {});
  pipe.unref();
  return pipe;
}
