/** A process that ends the servers' processes if the host is killed and cannot end them itself. */
import { spawn } from "node:child_process";
import type { Socket } from "node:net";

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
export function watchGroup(group: number): void {
  input ??= startWatcher();
  input.write(`+ ${group}\n`);
}

/** Stops watching a group that has ended, because a new group may get the same number. */
export function unwatchGroup(group: number): void {
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
