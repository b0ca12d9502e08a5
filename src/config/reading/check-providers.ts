/** Checks providers for mistakes that a schema cannot express: unknown names, and providers without an address. */
import { isPlainObject, type JsonObject } from "../../core/json.js";
import type { SourceProblem } from "../../core/source/source.js";
import { child, valueAt } from "../../core/source/tree.js";
import { nearest } from "../../core/text/nearest.js";
import { presets } from "../../llm/providers/presets.js";

/**
 * Returns the problems of the providers. Values at the pointers in `unresolved` contain unset placeholders. These values are skipped,
 * because they are reported elsewhere.
 */
export function providerProblems(tree: JsonObject, unresolved: ReadonlySet<string>): SourceProblem[] {
  const configured = valueAt(tree, "/llm/providers");
  const providers = isPlainObject(configured) ? configured : {};
  const names = [...new Set([...Object.keys(providers), ...Object.keys(presets)])];
  const fallback = valueAt(tree, "/llm/fallback");
  const entries: [pointer: string, entry: unknown][] = [
    ["/llm/active", valueAt(tree, "/llm/active")],
    ...(Array.isArray(fallback) ? fallback : []).map((entry, index): [string, unknown] => [
      child("/llm/fallback", index),
      typeof entry === "string" ? entry.replace(/\/.*/s, "") : entry,
    ]),
  ];
  const unknown = entries.filter(
    ([pointer, name]) => typeof name === "string" && name !== "" && !names.includes(name) && !unresolved.has(pointer),
  );
  const withoutAddress = Object.entries(providers).filter(
    ([name, provider]) => isPlainObject(provider) && provider.base_url === undefined && !hasAddress(name),
  );
  return [
    ...unknown.map(
      ([pointer, name]): SourceProblem => ({ pointer, part: "value", message: unknownName(String(name), names) }),
    ),
    ...withoutAddress.map(
      ([name]): SourceProblem => ({
        pointer: child("/llm/providers", name),
        part: "key",
        message: "needs `base_url`, the address of its API, because no preset has this name",
      }),
    ),
  ];
}

/**
 * Returns true if the provider with this name needs no configured address. The demo model needs none, because it gets its address when it
 * starts.
 */
function hasAddress(name: string): boolean {
  return name === "demo" || (Object.hasOwn(presets, name) && presets[name]?.baseUrl !== undefined);
}

function unknownName(name: string, names: readonly string[]): string {
  const [meant] = nearest(name, names, 1);
  const hint = meant ? `did you mean "${meant}"?` : `known: ${names.join(", ")}`;
  return `no provider is called ${JSON.stringify(name)} (${hint}): configure it in llm.providers`;
}
