import { homedir } from "node:os";
import { resolve } from "node:path";
import type { Environment } from "../../core/environment.js";
import { type Origins, originOf } from "./layers.js";

/** Working directory and environment of the command. */
export interface Surroundings {
  env: Environment;
  /** Absolute path of the working directory. */
  cwd: string;
}

/**
 * Returns the absolute path of `path`, which is the value at `pointer` in the configuration. If the value comes from a file, the path is
 * relative to the file's folder, otherwise to the working directory.
 */
export function resolvePath(path: string, pointer: string, origins: Origins, { env, cwd }: Surroundings): string {
  const origin = originOf(origins, pointer);
  const folder = origin.kind === "file" ? origin.source.folder : cwd;
  return resolve(
    folder,
    path.replace(/^~(?=$|[/\\])/, () => env.HOME || homedir()),
  );
}
