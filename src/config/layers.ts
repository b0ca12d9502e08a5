import type { ConfigProblem } from "../core/errors.js";
import type { Problem, Source } from "../core/source.js";
import { child, isMapping, keyPath, type Mapping } from "../core/tree.js";

/** Where a value comes from. A file's `pointer` is the place in that file, under the name it has there. */
export type Origin =
  | { kind: "default" }
  | { kind: "file"; source: Source; pointer: string }
  | { kind: "env"; name: string }
  | { kind: "flag" };

/** One origin's values in the shape of the file. */
export interface Layer {
  tree: Mapping;
  originOf(pointer: string): Origin;
}

/** By pointer, for mappings, scalars and whole lists. */
export type Origins = Map<string, Origin>;

export interface Merged {
  tree: Mapping;
  origins: Origins;
}

/** Lays later layers over earlier ones: mappings key by key, everything else whole. A null is a key left out. */
export function mergeLayers(layers: readonly Layer[]): Merged {
  const origins: Origins = new Map();
  const tree: Mapping = Object.create(null);
  for (const layer of layers) overlay(tree, layer.tree, "", layer, origins);
  return { tree, origins };
}

function overlay(target: Mapping, tree: Mapping, pointer: string, layer: Layer, origins: Origins): void {
  for (const [key, value] of Object.entries(tree)) {
    if (value === null || value === undefined) continue;
    const at = child(pointer, key);
    if (!isMapping(value)) {
      target[key] = value;
      origins.set(at, layer.originOf(at));
      continue;
    }
    const below = target[key];
    const nested: Mapping = isMapping(below) ? below : Object.create(null);
    target[key] = nested;
    // A mapping belongs to whoever began it: that is where "a key is missing" has to point.
    if ((origins.get(at)?.kind ?? "default") === "default") origins.set(at, layer.originOf(at));
    overlay(nested, value, at, layer, origins);
  }
}

/** Origin of a key, or of the nearest thing above it, seen from the key: a file's pointer goes all the way down. */
export function originOf(origins: Origins, pointer: string): Origin {
  let above = pointer;
  while (above && !origins.has(above)) above = above.slice(0, above.lastIndexOf("/"));
  const origin = origins.get(above) ?? { kind: "default" };
  return origin.kind === "file" ? { ...origin, pointer: origin.pointer + pointer.slice(above.length) } : origin;
}

export function locate({ pointer, part, message }: Problem, origins: Origins): ConfigProblem {
  const origin = originOf(origins, pointer);
  if (origin.kind !== "file") {
    return { file: originName(origin), line: 0, column: 0, path: keyPath(pointer), message };
  }
  const { source } = origin;
  return { file: source.file, ...source.position(origin.pointer, part), path: keyPath(origin.pointer), message };
}

/** `config.yaml:12`, `env NAME`, `flag` or `default`. */
export function originName(origin: Origin): string {
  if (origin.kind === "env") return `env ${origin.name}`;
  if (origin.kind !== "file") return origin.kind;
  const { line } = origin.source.position(origin.pointer, "key");
  return line > 0 ? `${origin.source.file}:${line}` : origin.source.file;
}
