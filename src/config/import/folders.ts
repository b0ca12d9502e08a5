/** Folders where programs keep their user's files. */
import { dirname, join } from "node:path";
import { type ForeignText, folderOf } from "./foreign-text.js";
import type { Surroundings } from "./importer.js";

export function configHome({ env, home }: Surroundings): string {
  return env.XDG_CONFIG_HOME || join(home, ".config");
}

export function roamingData({ env, home }: Surroundings): string {
  return env.APPDATA || join(home, "AppData", "Roaming");
}

/** Returns the folder of desktop programs. */
export function applicationData(surroundings: Surroundings): string {
  const { platform, home } = surroundings;
  if (platform === "win32") return roamingData(surroundings);
  return platform === "darwin" ? join(home, "Library", "Application Support") : configHome(surroundings);
}

/** Returns the project whose folder `name` holds the file; undefined for the user's own folder. */
export function projectAround(file: ForeignText, name: string, { home }: Surroundings): string | undefined {
  const folder = folderOf(file);
  return folder === join(dirname(folder), name) && dirname(folder) !== home ? dirname(folder) : undefined;
}
