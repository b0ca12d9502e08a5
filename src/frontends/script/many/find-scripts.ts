/** Which scripts the arguments of the command line stand for. */
import { type Dirent, existsSync, lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { messageOf, RequestError } from "../../../core/errors.js";
import { globMatches } from "../../../core/glob.js";

const scriptName = /\.session\.(ya?ml|json)$/;

/**
 * Whether an argument of `run` stands for scripts and not for a prompt: one word that ends like the name of a script, a folder that is
 * written as a path or has scripts in it, a glob with `**`, a link to a script, or a path that leads nowhere.
 */
export function isScriptArgument(text: string, cwd: string): boolean {
  if (scriptName.test(text)) return !/\s/.test(text) || existsSync(resolve(cwd, text));
  if (scriptName.test(linked(resolve(cwd, text)))) return true;
  if (text !== "" && isFolder(resolve(cwd, text))) return /\/|^\.+$/.test(text) || pathsOf(text, cwd).length > 0;
  if (/^(\S*\/)?\*\*(\/\S*)?$/.test(text)) return true;
  return /^(\.{1,2}\/\S*|(?!\S*:\/\/)\S*\/)$/.test(text) && !existsSync(resolve(cwd, text));
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
