/** Optional packages of `package.json`, which only some hosts need. */
import { readFileSync } from "node:fs";

export function isNotInstalled(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND";
}

/**
 * Returns the command that installs the packages whose names begin with `prefix`. The command names the versions with which this host was
 * tested.
 */
export function installationOf(prefix: string): string {
  const file = new URL("../../../package.json", import.meta.url);
  const { peerDependencies } = JSON.parse(readFileSync(file, "utf8")) as { peerDependencies: Record<string, string> };
  const packages = Object.entries(peerDependencies).filter(([name]) => name.startsWith(prefix));
  return `npm install ${packages.map(([name, version]) => `${name}@${version}`).join(" ")}`;
}
