import { readFileSync, statSync } from "node:fs";
import { writePrivately } from "../core/private-file.js";
import { isMapping, type Mapping } from "../core/tree.js";

/** Reads a file of the user that his other hosts write too. Returns undefined if there is no usable file. */
export function readState(path: string): Mapping | undefined {
  try {
    // Usually there is no file, and every tool call asks for it: an exception costs ten times as much as a check.
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
