import { readFileSync, statSync } from "node:fs";
import { writePrivately } from "../../core/files/private-file.js";
import { asObject, type JsonObject, parseJson } from "../../core/json.js";

/** Reads a state file, which all hosts of the user write. Returns undefined if the file is missing or unusable. */
export function readState(path: string): JsonObject | undefined {
  try {
    // Checked first, because usually there is no file, and this runs for every tool call: an exception costs ten times as much as the
    // check.
    if (!statSync(path, { throwIfNoEntry: false })) return undefined;
    return asObject(parseJson(readFileSync(path, "utf8")));
  } catch {
    return undefined;
  }
}

export function writeState(path: string, state: JsonObject): void {
  writePrivately(path, `${JSON.stringify(state, null, 1)}\n`);
}
