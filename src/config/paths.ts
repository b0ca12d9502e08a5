import { homedir } from "node:os";
import { resolve } from "node:path";
import type { Environment } from "../core/environment.js";
import { type Origins, originOf } from "./layers.js";

/** Where the command runs and what its environment says. */
export interface Surroundings {
  env: Environment;
  /** Absolute. */
  cwd: string;
}

/** The absolute path that `path` means at this key: relative to the folder of the file it stands in, else to the cwd. */
export function resolvePath(path: string, pointer: string, origins: Origins, { env, cwd }: Surroundings): string {
  const origin = originOf(origins, pointer);
  const folder = origin.kind === "file" ? origin.source.folder : cwd;
  return resolve(
    folder,
    path.replace(/^~(?=$|[/\\])/, () => env.HOME || homedir()),
  );
}
