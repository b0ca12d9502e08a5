/** The configuration file that commands change, and the writing of changes to it. */

import { existsSync, mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { editServers } from "../../../config/edit/edit-servers.js";
import { fileModeOf, replaceFile } from "../../../config/edit/replace-file.js";
import type { ServerEdit } from "../../../config/edit/server-edit.js";
import { ConfigError } from "../../../core/errors.js";
import { withFileLock } from "../../../core/files/file-lock.js";
import { isPlainObject, type JsonObject } from "../../../core/json.js";
import { displayName, objectSource, readSource, readText } from "../../../core/source/source.js";
import { type ConfigSource, findSource, type GlobalOptions, usersPath } from "../../shared/configuration.js";

export interface EditTarget {
  /** Absolute path of the file. */
  path: string;
  /** Path of the file for display. */
  file: string;
  folder: string;
  /** Content of the file, "" if there is no file yet. */
  text: string;
  /** `mcpServers` as written in the file. */
  servers: JsonObject;
  /** True if other users cannot read the file: it is in the user's own folder, or its mode is private. */
  isPrivate: boolean;
}

/** Returns the configuration file in use, or the user's own file if there is none. Throws ConfigError if the file cannot be read. */
export function editTarget(flags: GlobalOptions): EditTarget {
  return readTarget(findSource(flags));
}

function readTarget({ file: named = usersPath(), isFound }: ConfigSource): EditTarget {
  const cwd = process.cwd();
  const path = resolve(cwd, named);
  const file = displayName(path, cwd);
  const folder = dirname(path);
  const { tree } = existsSync(path) ? readSource(path, cwd, { mayGrow: !isFound }) : objectSource({}, folder, file);
  const mode = fileModeOf(path);
  return {
    path,
    file,
    folder,
    text: textAt(path, file),
    servers: isPlainObject(tree.mcpServers) ? tree.mcpServers : {},
    isPrivate: folder === dirname(usersPath()) || (mode !== undefined && (mode & 0o077) === 0),
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
  edits: readonly ServerEdit[];
  /** True if an edit contains a secret in plain text. */
  hasSecrets?: boolean;
}

/**
 * Changes the configuration file in use as `plan` says. No other command changes the file between the last call of `plan` and the end of the
 * write. An earlier call spares the lock if `plan` throws or has no edits. Resolves with the last plan, the file that it is for, and notices for
 * the user. Rejects with ConfigError if the text cannot be edited, with errors of `plan`, and with errors of the file system.
 */
export async function changeServers<Plan extends EditPlan>(
  flags: GlobalOptions,
  plan: (target: EditTarget) => Plan,
): Promise<{ target: EditTarget; plan: Plan; notices: string[] }> {
  const source = findSource(flags);
  const planned = () => {
    const target = readTarget(source);
    return { target, plan: plan(target) };
  };
  const early = planned();
  if (early.plan.edits.length === 0) return { ...early, notices: [] };
  const { path, folder } = early.target;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return withFileLock(`${path}.lock`, async () => {
    const last = planned();
    return { ...last, notices: writeEdits(last.target, last.plan) };
  });
}

function writeEdits({ path, file, text, isPrivate }: EditTarget, { edits, hasSecrets = false }: EditPlan): string[] {
  if (edits.length === 0) return [];
  const mode = fileModeOf(path) ?? 0o600;
  const isOpen = (mode & 0o077) !== 0;
  const closes = hasSecrets && isPrivate && isOpen;
  replaceFile(path, editServers(text, edits, file), closes ? mode & 0o700 : mode);
  if (closes) return [`${file} holds secrets now, so only you can read it from now on`];
  if (!hasSecrets || !isOpen) return [];
  return [`${file} holds a secret that others can read: write a \${VARIABLE} in its place`];
}
