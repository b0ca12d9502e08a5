import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
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

/** Whole or not at all, and readable by the user alone. Throws what the file system throws. */
export function writeState(path: string, state: Mapping): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(state, null, 1)}\n`, { mode: 0o600 });
  renameSync(draft, path);
}
