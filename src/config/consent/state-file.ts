import { readFileSync, statSync } from "node:fs";
import { writePrivately } from "../../core/files/private-file.js";
import { asObject, type JsonObject, parseJson } from "../../core/json.js";

/** Reads a state file, which all hosts of the user write. Returns undefined if the file is missing or unusable. */
export function readState(path: string): JsonObject | undefined {
  try {
    return readExisting(path);
  } catch {
    return undefined;
  }
}

/** Reads a state file like `readState`, but throws if the file is there and cannot be read. */
export function readExisting(path: string): JsonObject | undefined {
  if (!isThere(path)) return undefined;
  try {
    return asObject(parseJson(readFileSync(path, "utf8")));
  } catch (error) {
    if (!isThere(path)) return undefined; // another host has deleted it meanwhile
    throw error;
  }
}

/**
 * False also if the folder cannot be searched. Checked before a file is read, because usually there is no file, and this runs for every
 * tool call: an exception costs ten times as much as the check.
 */
function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

export function writeState(path: string, state: JsonObject): void {
  writePrivately(path, `${JSON.stringify(state, null, 1)}\n`);
}
