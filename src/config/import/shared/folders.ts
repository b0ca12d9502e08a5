/** Folders in which programs keep a user's files. */
import { dirname, join } from "node:path";
import { type ForeignText, folderOf } from "./foreign-text.js";
import type { ImportSurroundings } from "./importer.js";

export function configHome({ env, home }: ImportSurroundings): string {
  return env.XDG_CONFIG_HOME || join(home, ".config");
}

export function roamingData({ env, home }: ImportSurroundings): string {
  return env.APPDATA || join(home, "AppData", "Roaming");
}

/** Returns the folder in which desktop programs keep their settings. */
export function applicationData(surroundings: ImportSurroundings): string {
  const { platform, home } = surroundings;
  if (platform === "win32") return roamingData(surroundings);
  return platform === "darwin" ? join(home, "Library", "Application Support") : configHome(surroundings);
}

/**
 * Returns the folder of the project if the file is in a subfolder `name` of a project. Returns undefined otherwise, and if `name` is in the
 * user's home folder.
 */
export function projectAround(file: ForeignText, name: string, { home }: ImportSurroundings): string | undefined {
  const folder = folderOf(file);
  return folder === join(dirname(folder), name) && dirname(folder) !== home ? dirname(folder) : undefined;
}
