/** A configuration file as it is written, and the writing of changes to it. */

import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { ConfigError } from "../../core/errors.js";
import { withFileLock } from "../../core/files/file-lock.js";
import { isPlainObject, type JsonObject } from "../../core/json.js";
import { displayName, objectSource, readSource, readText } from "../../core/source/source.js";
import { editServers } from "./edit-servers.js";
import { fileModeOf, replaceFile } from "./replace-file.js";
import type { ConfigEdit } from "./server-edit.js";

/** Where a configuration file is. The file may not exist. */
export interface ConfigLocation {
  path: string;
  /** True if the file was found in the working directory, not named by the user. Anybody may have written such a file. */
  isFound: boolean;
  /** Absolute path of the folder that has the user's own configuration. */
  ownFolder: string;
}

export interface ConfigFile {
  /** Absolute path of the file. */
  path: string;
  /** Path of the file for display. */
  file: string;
  folder: string;
  /** Content of the file, "" if there is no file yet. */
  text: string;
  tree: JsonObject;
  /** `mcpServers` as written in the file. */
  servers: JsonObject;
  /** True if other users cannot read the file: it is in the user's own folder, or its mode is private. */
  isPrivate: boolean;
}

/** Reads the file. Throws ConfigError if it cannot be read. */
export function readConfigFile({ path, isFound, ownFolder }: ConfigLocation): ConfigFile {
  const cwd = process.cwd();
  const file = displayName(path, cwd);
  const folder = dirname(path);
  const { tree } = existsSync(path) ? readSource(path, cwd, { mayGrow: !isFound }) : objectSource({}, folder, file);
  const mode = fileModeOf(path);
  return {
    path,
    file,
    folder,
    text: textAt(path, file),
    tree,
    servers: isPlainObject(tree.mcpServers) ? tree.mcpServers : {},
    isPrivate: folder === ownFolder || (mode !== undefined && (mode & 0o077) === 0),
  };
}

/** Returns the content of the file, "" if there is no file. Throws ConfigError if it cannot be read. */
function textAt(path: string, file: string): string {
  if (!existsSync(path)) return "";
  const read = readText(path);
  if ("text" in read) return read.text;
  throw new ConfigError([{ file, line: 0, column: 0, path: "", message: read.problem }]);
}

interface EditPlan {
  edits: readonly ConfigEdit[];
  /** True if an edit contains a secret in plain text. */
  hasSecrets?: boolean;
}

export interface ChangedFile<Plan extends EditPlan = EditPlan> {
  target: ConfigFile;
  plan: Plan;
  text: string;
  notices: string[];
}

/**
 * Changes the file as `plan` says. No other host or command changes it between the last call of `plan` and the end of the write. An earlier
 * call spares the lock if `plan` throws or has no edits. Resolves with the last plan, the file as it was, its new text, and notices for the user.
 * Rejects with ConfigError if the text cannot be edited, with errors of `plan`, and with errors of the file system.
 */
export async function changeConfigFile<Plan extends EditPlan>(
  location: ConfigLocation,
  plan: (target: ConfigFile) => Plan,
): Promise<ChangedFile<Plan>> {
  const planned = () => {
    const target = readConfigFile(location);
    return { target, plan: plan(target) };
  };
  const early = planned();
  if (early.plan.edits.length === 0) return { ...early, text: early.target.text, notices: [] };
  const { path, folder } = early.target;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return withFileLock(`${path}.lock`, async () => {
    const last = planned();
    return { ...last, ...writeEdits(last.target, last.plan) };
  });
}

function writeEdits(
  { path, file, text: before, isPrivate }: ConfigFile,
  { edits, hasSecrets = false }: EditPlan,
): Pick<ChangedFile<EditPlan>, "text" | "notices"> {
  if (edits.length === 0) return { text: before, notices: [] };
  const mode = fileModeOf(path) ?? 0o600;
  const isOpen = (mode & 0o077) !== 0;
  const closes = hasSecrets && isPrivate && isOpen;
  const text = editServers(before, edits, file);
  replaceFile(path, text, closes ? mode & 0o700 : mode);
  if (closes) return { text, notices: [`${file} holds secrets now, so only you can read it from now on`] };
  if (!hasSecrets || !isOpen) return { text, notices: [] };
  return { text, notices: [`${file} holds a secret that others can read: write a \${VARIABLE} in its place`] };
}
