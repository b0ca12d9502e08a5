import { readFileSync, statSync } from "node:fs";
import { writePrivately } from "../../core/files/whole-file.js";
import { asObject, type JsonObject, parseJson } from "../../core/json.js";

/** Reads a state file. All hosts of the user write such files. Returns undefined if the file is missing or cannot be used. */
export function readState(path: string): JsonObject | undefined {
  try {
    return readExisting(path);
  } catch {
    return undefined;
  }
}

/** Reads a state file. Returns undefined if the file is missing. Throws if the file exists but cannot be read, or holds no JSON object. */
export function readExisting(path: string): JsonObject | undefined {
  if (!isThere(path)) return undefined;
  try {
    const state = asObject(parseJson(readFileSync(path, "utf8")));
    if (!state) throw damaged(path);
    return state;
  } catch (error) {
    if (!isThere(path)) return undefined; // another host has deleted the file in the meantime
    throw error;
  }
}

export function damaged(path: string): Error {
  return new Error(`${path} is damaged (delete it to be asked again)`);
}

/**
 * Returns true if the file exists. Returns false if the folder cannot be searched. Called before each read, because every tool call reads a
 * file that is usually missing: catching the exception of that read would cost ten times as much.
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
