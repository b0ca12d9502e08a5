/** Finds the configuration files of other programs, and recognises whose file a path is. */
import { basename, dirname, join, sep } from "node:path";
import type { Surroundings } from "../reading/paths.js";
import type { Program } from "./programs.js";

/** The machine and the working directory on which an import depends. */
export interface ImportSurroundings extends Surroundings {
  platform: NodeJS.Platform;
  home: string;
}

/**
 * Returns absolute paths. Each given path begins with the name of a folder: the working directory, the user's home, folders in which programs keep
 * a user's settings, or the folder `beside` the imported file. Paths in a folder that this machine does not have are left out.
 */
export function pathsOf(given: readonly string[], surroundings: ImportSurroundings, beside?: string): string[] {
  const { platform, env, home, cwd } = surroundings;
  const config = env.XDG_CONFIG_HOME || join(home, ".config");
  const roaming = platform === "win32" ? env.APPDATA || join(home, "AppData", "Roaming") : undefined;
  const mac = platform === "darwin" ? join(home, "Library", "Application Support") : undefined;
  const codex = env.CODEX_HOME || join(home, ".codex");
  const folders: Readonly<Record<string, string | undefined>> = {
    cwd,
    home,
    config,
    roaming,
    data: roaming ?? mac ?? config,
    codex,
    beside,
  };
  const paths = given.flatMap((path) => {
    const [name = "", ...rest] = path.split("/");
    const folder = folders[name];
    return folder === undefined ? [] : [join(folder, ...rest)];
  });
  return [...new Set(paths)];
}

/** Returns true if the path looks like a file of this program, wherever it is. */
export function isNamedLike({ paths, alsoAt = [] }: Program, path: string): boolean {
  const ends = paths.flatMap((each) => /^(?:cwd|home)\/(.*)/.exec(each)?.[1] ?? []);
  return [...ends, ...alsoAt].some((end) => path.endsWith(sep + join(end)));
}

/** Returns the folder in which the program starts the servers of this file. Undefined if it is a file of the user, not of a project. */
export function projectOf(program: Program, path: string, surroundings: ImportSurroundings): string | undefined {
  const folder = dirname(path);
  const isInside = /^\.(?:codex|cursor|gemini|roo|vscode|zed)$/.test(basename(folder));
  const project = isInside ? dirname(folder) : program.project?.(folder);
  const isUsers = project !== undefined && pathsOf(["home", "config/opencode"], surroundings).includes(project);
  return isUsers ? undefined : project;
}
