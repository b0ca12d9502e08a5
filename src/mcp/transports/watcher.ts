/** Ends server processes when the host could not: it was killed, and nobody told them. */
import { spawn } from "node:child_process";
import type { Socket } from "node:net";

/**
 * Reads `+ GROUP` and `- GROUP`; at the end of its input, which is the end of the host, it ends the groups that are left. Signals of
 * the terminal and of process supervisors are the host's to handle.
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

/** Has a process group end with this process, however that ends. POSIX only; without a shell it is not watched. */
export function watchGroup(group: number): void {
  input ??= startWatcher();
  input.write(`+ ${group}\n`);
}

/** The group is gone, and its number may be somebody else's from now on. */
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
