/**
 * Finds variables that a part of a configuration needs and that are not set. The configuration must have been loaded with `allowsUnset`.
 */

import type { Environment } from "../core/environment.js";
import { keyPath } from "../core/source/tree.js";
import { interpolate } from "./reading/interpolate.js";
import type { LoadedConfig } from "./reading/load.js";

/**
 * Returns messages about unset variables in the values below this pointer, such as `mcpServers.fs.env.KEY: environment variable KEY is not
 * set (…)`.
 */
export function unsetBelow(pointer: string, { written }: LoadedConfig, env: Environment): string[] {
  return [...written]
    .filter(([written]) => written.startsWith(`${pointer}/`))
    .flatMap(([inner, value]) =>
      [value].flat().flatMap((text) => {
        const problems = typeof text === "string" ? interpolate(text, env).problems : [];
        return problems.map((problem) => `${keyPath(inner)}: ${problem}`);
      }),
    );
}
