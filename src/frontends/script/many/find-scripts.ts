/** Which scripts the arguments of the command line stand for. */
import { type Dirent, existsSync, lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { messageOf, RequestError } from "../../../core/errors.js";
import { globMatches } from "../../../core/glob.js";

const scriptName = /\.session\.(ya?ml|json)$/;

/**
 * Returns whether an argument of `run` stands for scripts and not for a prompt: one word that ends like the name of a script, a folder or a
 * link to a script that is written as a path, a glob with `**`, or a path that leads nowhere. Whoever made the working directory chose the names
 * in it, and a script runs commands: no text that could be a prompt stands for a script because something is named like it.
 */
export function isScriptArgument(text: string, cwd: string): boolean {
  const path = resolve(cwd, text);
  if (/\s/.test(text)) return /^\.{0,2}\//.test(text) && (isFolder(path) || (isScript(path) && existsSync(path)));
  if (scriptName.test(text)) return true;
  if (/\/|^\.+$/.test(text) && (isScript(path) || isFolder(path))) return true;
  if (/^(\S*\/)?\*\*(\/\S*)?$/.test(text)) return true;
  return /^(\.{1,2}\/\S*|(?!\S*:\/\/)\S*\/)$/.test(text) && !existsSync(path);
}

/** Returns whether the word could be meant as the scripts that a folder or a link of this name leads to. It is no path, so that it could be a prompt too. */
export function couldBeScripts(word: string, cwd: string): boolean {
  if (word === "" || /[\s/]/.test(word)) return false;
  const path = resolve(cwd, word);
  return isScript(path) || (isFolder(path) && pathsOf(word, cwd).length > 0);
}

function isScript(path: string): boolean {
  return scriptName.test(linked(path));
}

/**
 * Absolute paths, sorted, each once. Arguments are files, folders (all scripts in them), and globs with `*` in names and `**` for any
 * folders, which match no `node_modules` and nothing that begins with a dot. Throws RequestError for an argument that stands for nothing.
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

/** Files whose path below the folder matches the names. */
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

/** Where a link leads, such as one among a person's commands; the path itself where it is none, or leads nowhere. */
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

/** False also for what no path can be: a prompt may be longer than a name, or hold a NUL. */
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
