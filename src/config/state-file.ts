import { readFileSync, statSync } from "node:fs";
import { writePrivately } from "../core/private-file.js";
import { isMapping, type Mapping } from "../core/tree.js";

/** A file of the user's own that other hosts of his write too. Undefined when there is none that can be used. */
export function readState(path: string): Mapping | undefined {
  try {
    // Mostly there is none, and it is asked for with every call of a tool: an error is ten times as dear as a look.
    if (!statSync(path, { throwIfNoEntry: false })) return undefined;
    const state: unknown = JSON.parse(readFileSync(path, "utf8"));
    return isMapping(state) ? state : undefined;
  } catch {
    return undefined;
  }
}

/** As `writePrivately`. */
export function writeState(path: string, state: Mapping): void {
  writePrivately(path, `${JSON.stringify(state, null, 1)}\n`);
}
