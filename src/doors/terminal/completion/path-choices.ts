import { readdir } from "node:fs/promises";
import { atHome } from "../../shared/attachments.js";

/**
 * Returns the files and folders whose paths begin with `begun`. The paths keep the form of `begun`: relative, absolute or with `~`. Folders
 * end with a slash.
 */
export async function pathChoices(begun: string, folder: string): Promise<string[]> {
  const parent = begun.slice(0, begun.lastIndexOf("/") + 1);
  const name = begun.slice(parent.length);
  const absolute = atHome(parent === "" ? "." : parent, folder);
  const entries = await readdir(absolute, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.name.startsWith(name) && (name.startsWith(".") || !entry.name.startsWith(".")))
    .filter((entry) => !entry.name.includes('"'))
    .map((entry) => `${parent}${entry.name}${entry.isDirectory() ? "/" : ""}`)
    .sort();
}
