import { type Dirent, existsSync, lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { messageOf, RequestError } from "../../../core/errors.js";
import { globMatches } from "../../../core/glob.js";

const scriptName = /\.session\.(ya?ml|json)$/;

/**
 * Returns true if an argument of `run` stands for scripts, not for a prompt: one word that ends like a script's name; a folder, or a link
 * to a script, written as a path; a glob with `**`; or a path that leads nowhere. A script runs commands and others may have named the
 * files here, so a text that could be a prompt never counts as a script because a file has that name.
 */
export function isScriptArgument(text: string, cwd: string): boolean {
  const path = resolve(cwd, text);
  if (/\s/.test(text)) return /^\.{0,2}\//.test(text) && (isFolder(path) || (isScript(path) && existsSync(path)));
  if (scriptName.test(text)) return true;
  if (/\/|^\.+$/.test(text) && (isScript(path) || isFolder(path))) return true;
  if (/^(\S*\/)?\*\*(\/\S*)?$/.test(text)) return true;
  return /^(\.{1,2}\/\S*|(?!\S*:\/\/)\S*\/)$/.test(text) && !existsSync(path);
}

/** Returns true if a folder or link of this name leads to scripts. The word is no path, so it may also be a prompt. */
export function couldBeScripts(word: string, cwd: string): boolean {
  if (word === "" || /[\s/]/.test(word)) return false;
  const path = resolve(cwd, word);
  return isScript(path) || (isFolder(path) && pathsOf(word, cwd).length > 0);
}

function isScript(path: string): boolean {
  return scriptName.test(linked(path));
}

/**
 * Returns absolute paths, sorted, without duplicates. Arguments are files, folders (all scripts in them), and globs with `*` in names and
 * `**` for any folders. Globs skip `node_modules` and names that begin with a dot. Throws RequestError for an argument that stands for
 * nothing.
 */
export function findScripts(given: readonly string[], cwd: string): string[] {
  const found = new Set<string>();
  for (const argument of given) {
    const paths = pathsOf(argument, cwd);
    if (paths.length === 0) throw new RequestError("usage", `${argument}: no *.session.yaml there`);
    for (const path of paths) found.add(linked(path));
  }
  return [...found].sort();
}

function pathsOf(argument: string, cwd: string): string[] {
  const path = resolve(cwd, argument);
  if (existsSync(path)) return isFolder(path) ? below(path, ["**", "*"], (name) => scriptName.test(name)) : [path];
  if (!argument.includes("*")) throw new RequestError("usage", `${argument}: no such file or folder`);
  const [root, ...names] = path.split("/");
  return below(`${root}/`, names, () => true);
}

/** Returns files whose path below the folder matches the names. */
function below(folder: string, [name = "", ...rest]: readonly string[], isWanted: (name: string) => boolean): string[] {
  if (name === "**") {
    const deeper = entriesOf(folder).filter((entry) => entry.isDirectory() && !isHidden(entry.name));
    const inside = deeper.flatMap((entry) => below(join(folder, entry.name), [name, ...rest], isWanted));
    return [...new Set([...below(folder, rest, isWanted), ...inside])];
  }
  if (!name.includes("*")) {
    const path = join(folder, name);
    if (!existsSync(path)) return [];
    if (rest.length > 0) return isFolder(path) ? below(path, rest, isWanted) : [];
    return !isFolder(path) && isWanted(name) ? [path] : [];
  }
  const matching = entriesOf(folder).filter((entry) => !isHidden(entry.name) && globMatches(name, entry.name));
  return matching.flatMap((entry) => below(folder, [entry.name, ...rest], isWanted));
}

/** Returns the target of a link. Any other path, or a broken link, is returned unchanged. */
function linked(path: string): string {
  try {
    return lstatSync(path).isSymbolicLink() ? realpathSync(path) : path;
  } catch {
    return path;
  }
}

function isHidden(name: string): boolean {
  return name === "node_modules" || name.startsWith(".");
}

/** Returns false also for an impossible path: a prompt may be longer than a file name or contain NUL. */
function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    throw new RequestError("usage", `${folder} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
