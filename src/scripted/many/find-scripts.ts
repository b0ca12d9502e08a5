import { type Dirent, existsSync, lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { messageOf, RequestError } from "../../core/errors.js";
import { globMatches } from "../../core/patterns/glob.js";

const scriptName = /\.session\.(ya?ml|json)$/;

/**
 * Returns true if the argument of `run` names scripts, and false if it is a prompt. Scripts are named by a word with the file extension of
 * a script; by a path to a folder, or to a link to a script; by a glob with `**`; or by a path to something that does not exist. The check
 * is strict because scripts run commands, and somebody else may have chosen the names of the files in `cwd`. A text that could be a prompt
 * therefore counts as a prompt, even if a file has that name.
 */
export function isScriptArgument(text: string, cwd: string): boolean {
  const path = resolve(cwd, text);
  if (/\s/.test(text)) return /^\.{0,2}\//.test(text) && (isFolder(path) || (isScript(path) && existsSync(path)));
  if (scriptName.test(text)) return true;
  if (/\/|^\.+$/.test(text) && (isScript(path) || isFolder(path))) return true;
  if (/^(\S*\/)?\*\*(\/\S*)?$/.test(text)) return true;
  return /^(\.{1,2}\/\S*|(?!\S*:\/\/)\S*\/)$/.test(text) && !existsSync(path);
}

/**
 * Returns true if a folder or a link with this name leads to scripts. The word could also be a prompt, because it is not written as a path.
 */
export function couldBeScripts(word: string, cwd: string): boolean {
  if (word === "" || /[\s/]/.test(word)) return false;
  const path = resolve(cwd, word);
  return isScript(path) || (isFolder(path) && pathsOf(word, cwd).length > 0);
}

function isScript(path: string): boolean {
  return scriptName.test(linked(path));
}

/**
 * Returns the absolute paths of the scripts, sorted and without duplicates. An argument is a file, a folder (all scripts in it and below
 * it), or a glob. In a glob, `*` stands for a part of a name, and `**` for any number of folders. Globs skip `node_modules` and names that
 * begin with a dot. Throws RequestError if no script is found for an argument.
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

/** Returns the files below the folder whose paths match the glob. `name` is the first part of the glob, `rest` has the parts after it. */
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

/** Returns the target of a symbolic link. Any other path, and a broken link, is returned unchanged. */
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

/**
 * Returns true if the path is a folder. Returns false for a prompt that cannot be a path, because it contains NUL or is longer than a file
 * name may be.
 */
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
