import { spawnSync } from "node:child_process";
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "mcp-platform-bench");

/**
 * The folder where a peer is installed, outside of this repository, as `peers/` pins it. Installs it where that is still to do;
 * nothing of it is run by that.
 */
export function installPeer(name, say) {
  const source = new URL(`peers/${name}/`, import.meta.url).pathname;
  if (!existsSync(source)) throw new Error(`there is no peer ${name}: ${readdirSync(join(source, "..")).join(", ")}`);
  const target = join(cache, name);
  const wanted = readFileSync(join(source, "package.json"), "utf8");
  // A package may say that it needs a newer Node: what it does in this one is what is measured.
  if (!isInstalled(target, wanted)) install(target, wanted, ["install", "--no-engine-strict"], () => {}, say);
  cpSync(join(source, "peer.mjs"), join(target, "peer.mjs"));
  return target;
}

/** The folder of a production install of this host, without its own code. */
export function installOurs(repository, say) {
  const target = join(cache, "ours");
  const wanted = readFileSync(join(repository, "package.json"), "utf8");
  const withLock = () => cpSync(join(repository, "package-lock.json"), join(target, "package-lock.json"));
  if (!isInstalled(target, wanted)) install(target, wanted, ["ci"], withLock, say);
  return target;
}

/** The files that this package is published with. */
export function packedFiles(repository) {
  const { stdout } = spawnSync("npm", ["pack", "--dry-run", "--ignore-scripts", "--json"], {
    cwd: repository,
    encoding: "utf8",
  });
  const [{ files }] = JSON.parse(stdout);
  return files.map(({ path }) => join(repository, path));
}

/** Megabytes of an installation with these files beside it, and the packages in it. */
export function sizeOf(folder, ...more) {
  const lock = JSON.parse(readFileSync(join(folder, "node_modules", ".package-lock.json"), "utf8"));
  const bytes = [join(folder, "node_modules"), ...more].map(bytesIn).reduce((sum, each) => sum + each, 0);
  return { diskMb: bytes / 2 ** 20, packages: Object.keys(lock.packages).length };
}

/** What was installed last is written once it is whole. */
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
