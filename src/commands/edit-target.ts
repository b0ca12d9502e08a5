/** The configuration file that commands change, and how they write to it. */
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { editServers } from "../config/edit.js";
import { modeOf, replaceFile } from "../config/replace-file.js";
import type { ServerEdit } from "../config/server-edit.js";
import { displayName, objectSource, readSource, readText } from "../core/source.js";
import { isMapping, type Mapping } from "../core/tree.js";
import { findSource, type GlobalOptions, usersPath } from "./configuration.js";

export interface EditTarget {
  /** Absolute. */
  path: string;
  /** Name for display. */
  file: string;
  folder: string;
  /** "" if there is no file yet. */
  text: string;
  /** `mcpServers` as written. */
  servers: Mapping;
  /** True if nobody else reads it: it lies in the user's own folder, or its mode is private. */
  isPrivate: boolean;
}

/** Returns the effective file, or the user's own if there is none. Throws ConfigError if it cannot be read. */
export function editTarget(flags: GlobalOptions): EditTarget {
  const cwd = process.cwd();
  const path = resolve(cwd, findSource(flags).file ?? usersPath());
  const file = displayName(path, cwd);
  const folder = dirname(path);
  const { tree } = existsSync(path) ? readSource(path, cwd) : objectSource({}, folder, file);
  const read = existsSync(path) ? readText(path) : { text: "" };
  const mode = modeOf(path);
  return {
    path,
    file,
    folder,
    text: "text" in read ? read.text : "",
    servers: isMapping(tree.mcpServers) ? tree.mcpServers : {},
    isPrivate: folder === dirname(usersPath()) || (mode !== undefined && (mode & 0o077) === 0),
  };
}

/** Writes the edits and returns notices. Throws ConfigError if the text cannot be changed, and what the file system throws. */
export function applyEdits(
  { path, file, text, isPrivate }: EditTarget,
  edits: readonly ServerEdit[],
  { hasSecrets = false } = {},
): string[] {
  const mode = modeOf(path) ?? 0o600;
  const isOpen = (mode & 0o077) !== 0;
  const closes = hasSecrets && isPrivate && isOpen;
  replaceFile(path, editServers(text, edits, file), closes ? mode & 0o700 : mode);
  if (closes) return [`${file} holds secrets now: only you can read it from now on`];
  if (!hasSecrets || !isOpen) return [];
  return [`${file} holds a secret that others can read: write a \${VARIABLE} in its place`];
}
