/**
 * Applies the rules and limits of the user's own configuration. A file that overrides this configuration can make the rules and limits
 * stricter, but cannot remove them.
 */
import { isPlainObject, type JsonObject } from "../../core/json.js";
import type { Source } from "../../core/source/source.js";
import { child, keys, valueAt } from "../../core/source/tree.js";
import type { Origins } from "./layers.js";

/** Lists that are merged, so that the entries of both files apply. */
const united = ["chat.service.permissions.{ask,deny}", "mcpServers.*.tools.deny"];
/** Numeric limits. If both files set a limit, the lower value applies. */
const limits = [
  "chat.limits.{turn,conversation,day}.*",
  "chat.service.max_tool_hops",
  "llm.providers.*.{rpm,tpm,max_concurrency}",
];

interface RestrictionParts {
  /** The user's own configuration. `written` contains the values from its file, keyed by pointer. */
  base: { tree: JsonObject; written: ReadonlyMap<string, unknown> };
  baseSource: Source;
  /**
   * Sources of the overriding file. Only values from these sources are restricted. Values from the environment and from flags are the
   * user's own.
   */
  sources: ReadonlySet<Source>;
  origins: Origins;
}

/**
 * Keeps a file that is laid over the user's configuration from loosening it: adds the user's rules to those in `tree`, and puts back each
 * limit of the user that is lower than the one in `tree`. Changes `tree` and `origins` in place. Durations in `tree` and in `base.tree` must
 * be in milliseconds.
 */
export function keepStricter(tree: JsonObject, { base, baseSource, sources, origins }: RestrictionParts): void {
  const isLaidOver = (pointer: string) => {
    const origin = origins.get(pointer);
    return origin?.kind === "file" && sources.has(origin.source);
  };
  for (const [pointer, own] of valuesAt(base.tree, united)) {
    if (!Array.isArray(own) || !(isLaidOver(pointer) || isLaidOver(serverOf(pointer)))) continue;
    const theirs = valueAt(tree, pointer) ?? [];
    // The user's rules are added at the end, so that the positions of the file's own rules stay the same for error messages. A value that
    // is not a list is reported elsewhere.
    if (Array.isArray(theirs)) setAt(tree, pointer, [...theirs, ...own.filter((rule) => !theirs.includes(rule))]);
  }
  for (const [pointer, own] of valuesAt(base.tree, limits)) {
    const theirs = valueAt(tree, pointer);
    if (!base.written.has(pointer) || !isLaidOver(pointer)) continue;
    if (typeof own !== "number" || typeof theirs !== "number" || theirs <= own) continue;
    setAt(tree, pointer, own);
    origins.set(pointer, { kind: "file", source: baseSource, pointer });
  }
}

function setAt(tree: JsonObject, pointer: string, value: unknown): void {
  const path = keys(pointer);
  const last = path.pop() ?? "";
  const parent = path.reduce((above, key) => {
    const below = above[key];
    if (isPlainObject(below)) return below;
    const made: JsonObject = {};
    above[key] = made;
    return made;
  }, tree);
  parent[last] = value;
}

function serverOf(pointer: string): string {
  const [top = "", name = ""] = keys(pointer);
  return top === "mcpServers" ? child("/mcpServers", name) : "";
}

/** Returns the values that match the path patterns, with their pointers. */
function valuesAt(tree: JsonObject, paths: readonly string[]): [pointer: string, value: unknown][] {
  return paths.flatMap((path) =>
    path
      .split(".")
      .reduce<[string, unknown][]>(
        (found, part) =>
          found.flatMap(([pointer, value]) =>
            (isPlainObject(value) ? Object.entries(value) : [])
              .filter(([key]) => part === "*" || part.replace(/[{}]/g, "").split(",").includes(key))
              .map(([key, inner]): [string, unknown] => [child(pointer, key), inner]),
          ),
        [["", tree]],
      ),
  );
}
