/** Packages that only some hosts need, and that nobody gets unasked: the optional ones of `package.json`. */
import { readFileSync } from "node:fs";

/** Whether the import failed because there is no such package. */
export function isNotInstalled(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND";
}

/** What a user types to get those whose names begin so, in the versions that this host was tested with. */
export function installationOf(prefix: string): string {
  const file = new URL("../../package.json", import.meta.url);
  const { peerDependencies } = JSON.parse(readFileSync(file, "utf8")) as { peerDependencies: Record<string, string> };
  const packages = Object.entries(peerDependencies).filter(([name]) => name.startsWith(prefix));
  return `npm install ${packages.map(([name, version]) => `${name}@${version}`).join(" ")}`;
}
