import type { ConfigProblem } from "../../core/errors.js";
import { isPlainObject, type JsonObject } from "../../core/json.js";
import type { Source, SourceProblem } from "../../core/source/source.js";
import { child, keyPath } from "../../core/source/tree.js";

/**
 * The origin of a value. For a file, `pointer` is the position of the value in that file. A key may have another name there than in our
 * tree (see `aliases.ts`).
 */
export type Origin =
  | { kind: "default" }
  | { kind: "file"; source: Source; pointer: string }
  | { kind: "env"; name: string }
  | { kind: "flag" };

/** Values from one source, such as a file, an environment variable or the flags. The tree has the same form as the file. */
export interface Layer {
  tree: JsonObject;
  originOf(pointer: string): Origin;
}

/** Origins, keyed by the pointer of the value. Each mapping, each scalar and each whole list has an origin. */
export type Origins = Map<string, Origin>;

export interface Merged {
  tree: JsonObject;
  origins: Origins;
}

/**
 * Merges the layers. A later layer overrides an earlier one. Mappings are merged key by key; all other values are replaced as a whole. A
 * null is treated like a missing key.
 */
export function mergeLayers(layers: readonly Layer[]): Merged {
  const origins: Origins = new Map();
  const tree: JsonObject = Object.create(null);
  for (const layer of layers) overlay(tree, layer.tree, "", layer, origins);
  return { tree, origins };
}

function overlay(target: JsonObject, tree: JsonObject, pointer: string, layer: Layer, origins: Origins): void {
  for (const [key, value] of Object.entries(tree)) {
    if (value === null || value === undefined) continue;
    const at = child(pointer, key);
    if (!isPlainObject(value)) {
      target[key] = value;
      origins.set(at, layer.originOf(at));
      continue;
    }
    const below = target[key];
    const nested: JsonObject = isPlainObject(below) ? below : Object.create(null);
    target[key] = nested;
    // The origin of a mapping is the first layer after the defaults that has the mapping, so that an error about a missing key of the
    // mapping is reported at that position.
    if ((origins.get(at)?.kind ?? "default") === "default") origins.set(at, layer.originOf(at));
    overlay(nested, value, at, layer, origins);
  }
}

/**
 * Returns the origin of the value at `pointer`. If the value has no origin of its own, uses the origin of the nearest mapping or list above
 * it, and appends the remaining keys to that origin's pointer.
 */
export function originOf(origins: Origins, pointer: string): Origin {
  let above = pointer;
  while (above && !origins.has(above)) above = above.slice(0, above.lastIndexOf("/"));
  const origin = origins.get(above) ?? { kind: "default" };
  return origin.kind === "file" ? { ...origin, pointer: origin.pointer + pointer.slice(above.length) } : origin;
}

export function locate({ pointer, part, message }: SourceProblem, origins: Origins): ConfigProblem {
  const origin = originOf(origins, pointer);
  if (origin.kind !== "file") {
    return { file: originName(origin), line: 0, column: 0, path: keyPath(pointer), message };
  }
  const { source } = origin;
  return { file: source.file, ...source.position(origin.pointer, part), path: keyPath(origin.pointer), message };
}

/** Returns the origin for display: `config.yaml:12`, `env NAME`, `flag` or `default`. */
export function originName(origin: Origin): string {
  if (origin.kind === "env") return `env ${origin.name}`;
  if (origin.kind !== "file") return origin.kind;
  const { line } = origin.source.position(origin.pointer, "key");
  return line > 0 ? `${origin.source.file}:${line}` : origin.source.file;
}
