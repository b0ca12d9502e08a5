/** A configuration before its types are checked: mappings, lists and scalars. JSON pointers (RFC 6901) address its values. */
import { isPlainObject, type JsonObject } from "../json.js";

export function child(pointer: string, key: string | number): string {
  return `${pointer}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

export function keys(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Formats the pointer for people: `mcpServers.fs.args[0]`. */
export function keyPath(pointer: string): string {
  return keys(pointer).reduce((path, key) => {
    if (/^\d+$/.test(key)) return `${path}[${key}]`;
    return path ? `${path}.${key}` : key;
  }, "");
}

export function valueAt(tree: JsonObject, pointer: string): unknown {
  return keys(pointer).reduce<unknown>((node, key) => (isPlainObject(node) ? node[key] : undefined), tree);
}

/** Builds a tree that contains only this value. */
export function treeWith(pointer: string, value: unknown): JsonObject {
  return keys(pointer).reduceRight<unknown>((inner, key) => Object.fromEntries([[key, inner]]), value) as JsonObject;
}

/** Returns the tree without these pointers, and without mappings that become empty. */
export function pruned(tree: JsonObject, pointers: ReadonlySet<string>, at = ""): JsonObject {
  return Object.fromEntries(
    Object.entries(tree).flatMap(([key, value]) => {
      const here = child(at, key);
      if (pointers.has(here)) return [];
      if (!isPlainObject(value)) return [[key, value]];
      const rest = pruned(value, pointers, here);
      return Object.keys(rest).length > 0 || Object.keys(value).length === 0 ? [[key, rest]] : [];
    }),
  );
}

export function scalarsIn(value: unknown, pointer: string): [pointer: string, value: unknown][] {
  if (typeof value !== "object" || value === null) return [[pointer, value]];
  return Object.entries(value).flatMap(([key, item]) => scalarsIn(item, child(pointer, key)));
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze);
  return value;
}
