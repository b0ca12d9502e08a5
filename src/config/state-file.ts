import { readFileSync, statSync } from "node:fs";
import { writePrivately } from "../core/private-file.js";
import { isMapping, type Mapping } from "../core/tree.js";

/** Reads a state file, which all hosts of the user write. Returns undefined if the file is missing or unusable. */
export function readState(path: string): Mapping | undefined {
  try {
    // Checked first, because usually there is no file, and this runs for every tool call: an exception costs ten times as much as the
    // check.
    if (!statSync(path, { throwIfNoEntry: false })) return undefined;
    const state: unknown = JSON.parse(readFileSync(path, "utf8"));
    return isMapping(state) ? state : undefined;
  } catch {
    return undefined;
  }
}

export function writeState(path: string, state: Mapping): void {
  writePrivately(path, `${JSON.stringify(state, null, 1)}\n`);
}
