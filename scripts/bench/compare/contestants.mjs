import { join, resolve } from "node:path";
import { installOurs, installPeer, packedFiles, sizeOf } from "./installs.mjs";

const here = new URL(".", import.meta.url).pathname;
const repository = join(here, "../../..");

/**
 * Returns the contestants: `bare` (the lower limit), this host, other builds of this host (`also`: `name=folder of compiled code`), this
 * host on other wires, and the peers, which are installed if they are missing. `size` is the disk space of each; that of this host is
 * measured only with `isSizeWanted`.
 */
export async function contestantsOf({ peers, also, wires, isSizeWanted, say }) {
  const dist = join(repository, "dist");
  const host = (name, more) => ({ name, module: join(here, `contestants/${more.file ?? name}.mjs`), ...more });
  const size = isSizeWanted ? sizeOf(installOurs(repository, say), ...packedFiles(repository)) : {};
  const own = [
    { ...host("bare", {}), size: { diskMb: 0, packages: 0 } },
    { ...host("ours", { setup: { dist } }), size },
    host("ours-sqlite", { setup: { dist }, isDurable: true }),
    ...also.map((text) => {
      const [name, folder] = text.split("=");
      return host(name, { file: "ours", setup: { dist: resolve(folder) } });
    }),
    ...wires.map((wire) => host(`ours-${wire}`, { file: "ours", setup: { dist, wire } })),
  ];
  const others = peers.map((name) => {
    const folder = installPeer(name, say);
    return { name, isPeer: true, module: join(folder, "peer.mjs"), size: sizeOf(folder) };
  });
  return Promise.all([...own, ...others].map(withCommand));
}

/** Adds `command`, which starts the contestant's own command line, if its module exports one. */
async function withCommand({ file: _, ...contestant }) {
  if (contestant.isPeer) return contestant;
  return { ...contestant, command: (await import(contestant.module)).command };
}
