/** Where programs keep what is their user's. */
import { dirname, join } from "node:path";
import { type ForeignText, folderOf } from "./foreign-text.js";
import type { Surroundings } from "./importer.js";

/** `$XDG_CONFIG_HOME`. */
export function configHome({ env, home }: Surroundings): string {
  return env.XDG_CONFIG_HOME || join(home, ".config");
}

export function roamingData({ env, home }: Surroundings): string {
  return env.APPDATA || join(home, "AppData", "Roaming");
}

/** Of programs with windows. */
export function applicationData(surroundings: Surroundings): string {
  const { platform, home } = surroundings;
  if (platform === "win32") return roamingData(surroundings);
  return platform === "darwin" ? join(home, "Library", "Application Support") : configHome(surroundings);
}

/** The project whose folder `name` holds the file; the user's own is no project. */
export function projectAround(file: ForeignText, name: string, { home }: Surroundings): string | undefined {
  const folder = folderOf(file);
  return folder === join(dirname(folder), name) && dirname(folder) !== home ? dirname(folder) : undefined;
}
