import { spawnSync } from "node:child_process";
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "mcp-platform-bench");

/**
 * Returns the folder outside this repository where a peer is installed, in the version that `peers/` pins. Installs it if it is missing,
 * without running any of its code.
 */
export function installPeer(name, say) {
  const source = new URL(`peers/${name}/`, import.meta.url).pathname;
  if (!existsSync(source)) throw new Error(`there is no peer ${name}: ${readdirSync(join(source, "..")).join(", ")}`);
  const target = join(cache, name);
  const wanted = readFileSync(join(source, "package.json"), "utf8");
  // Some packages declare a newer Node. They are measured on this one anyway.
  if (!isInstalled(target, wanted)) install(target, wanted, ["install", "--no-engine-strict"], () => {}, say);
  cpSync(join(source, "peer.mjs"), join(target, "peer.mjs"));
  return target;
}

/** Returns the folder of a production install of this host's dependencies, without the host's own code. */
export function installOurs(repository, say) {
  const target = join(cache, "ours");
  const wanted = readFileSync(join(repository, "package.json"), "utf8");
  const withLock = () => cpSync(join(repository, "package-lock.json"), join(target, "package-lock.json"));
  if (!isInstalled(target, wanted)) install(target, wanted, ["ci"], withLock, say);
  return target;
}

/** Returns the files that npm publishes for this package. */
export function packedFiles(repository) {
  const { stdout } = spawnSync("npm", ["pack", "--dry-run", "--ignore-scripts", "--json"], {
    cwd: repository,
    encoding: "utf8",
  });
  const [{ files }] = JSON.parse(stdout);
  return files.map(({ path }) => join(repository, path));
}

/** Returns the megabytes of an installation plus the files in `more`, and the number of packages. */
export function sizeOf(folder, ...more) {
  const lock = JSON.parse(readFileSync(join(folder, "node_modules", ".package-lock.json"), "utf8"));
  const bytes = [join(folder, "node_modules"), ...more].map(bytesIn).reduce((sum, each) => sum + each, 0);
  return { diskMb: bytes / 2 ** 20, packages: Object.keys(lock.packages).length };
}

/** True if this version was installed completely: the record of an installation is written only when it has finished. */
function isInstalled(target, wanted) {
  const mark = join(target, "installed.json");
  return existsSync(mark) && readFileSync(mark, "utf8") === wanted;
}

function install(target, wanted, command, prepare, say) {
  say(`installing into ${target}`);
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, "package.json"), wanted);
  prepare();
  const flags = ["--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const { status, stderr } = spawnSync("npm", [...command, ...flags], { cwd: target, encoding: "utf8" });
  if (status !== 0) throw new Error(`npm could not install ${target}: ${stderr}`);
  writeFileSync(join(target, "installed.json"), wanted);
}

function bytesIn(path) {
  const stat = lstatSync(path);
  if (!stat.isDirectory()) return stat.blocks * 512;
  return readdirSync(path).reduce((sum, name) => sum + bytesIn(join(path, name)), stat.blocks * 512);
}
