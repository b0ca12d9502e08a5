/** Folder of what `npm run build` makes. It is the same if this module runs from source (ts-node, jest). */
const dist = new URL(import.meta.url.endsWith(".ts") ? "../../dist/" : "../", import.meta.url);

/**
 * Returns the URL of the file or folder at a path in `dist`. Threads and child processes need the built code, because they cannot run
 * TypeScript. `scripts/bundle.mjs` lists their files.
 */
export function builtFile(path: string): URL {
  return new URL(path, dist);
}
