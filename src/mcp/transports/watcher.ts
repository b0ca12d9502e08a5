/** A process that ends the server processes if the host was killed before it could. */
import { spawn } from "node:child_process";
import type { Socket } from "node:net";

/**
 * Reads `+ GROUP` and `- GROUP`. At the end of its input, which comes with the end of the host, it ends the remaining groups. Ignores
 * signals of the terminal and of process supervisors: those are the host's to handle.
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

/** Ends a process group when this process ends, however that happens. POSIX only; without a shell it does nothing. */
export function watchGroup(group: number): void {
  input ??= startWatcher();
  input.write(`+ ${group}\n`);
}

/** Stops watching a group that has ended: another process may get its number. */
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
