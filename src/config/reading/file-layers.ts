import type { Environment } from "../../core/environment.js";
import { ConfigError, type ConfigProblem } from "../../core/errors.js";
import { isPlainObject } from "../../core/json.js";
import { type FileTexts, readSource, type Source } from "../../core/source/source.js";
import { child, pruned, treeWith, valueAt } from "../../core/source/tree.js";
import { canonicalServers } from "./aliases.js";
import { expandTree } from "./expand.js";
import { type Layer, locate, type Merged } from "./layers.js";
import { resolvePath, type Surroundings } from "./paths.js";

/** The layers of a file: first the servers from its `mcp.config_file`, then the file itself. Later layers override earlier ones. */
interface FileLayers {
  layers: readonly Layer[];
  sources: readonly Source[];
  read: FileTexts;
  problems: readonly ConfigProblem[];
}

export const noLayers: FileLayers = { layers: [], sources: [], read: new Map(), problems: [] };

export function fileLayer(source: Source): Layer {
  const { tree, renamed } = canonicalServers(source.tree);
  return { tree, originOf: (pointer) => ({ kind: "file", source, pointer: renamed.get(pointer) ?? pointer }) };
}

/** Returns a layer for each value in `held`. The file counts as the origin of these values. */
export function heldLayers(file: Source, held: ReadonlyMap<string, unknown>): Layer[] {
  const { originOf } = fileLayer(file);
  return [...held].map(([pointer, value]) => ({ tree: treeWith(pointer, value), originOf }));
}

interface LayerParts {
  surroundings: Surroundings;
  variables: Environment;
  /** Pointers of values to ignore in the file that `mcp.config_file` names. */
  leftOut?: readonly string[];
  /** Merges the layers of files with those of the defaults, the environment and, for `flagLayers`, the flags. */
  stack: (files: readonly Layer[]) => Merged;
}

const pointer = "/mcp/config_file";

/** Returns the layers of a file. A server in its `mcp.config_file` is ignored if the file itself has a server with the same name. */
export function fileLayers(file: Source, below: readonly Layer[], parts: LayerParts): FileLayers {
  const alone = { layers: [fileLayer(file)], sources: [file] };
  const merged = parts.stack([...below, ...alone.layers]);
  const origin = merged.origins.get(pointer);
  // If this file does not set `mcp.config_file`, the servers of the file named there are already in the layers below.
  if (below.length > 0 && !(origin?.kind === "file" && origin.source === file)) return { ...noLayers, ...alone };
  const named = namedLayers(merged, parts);
  const layers = [...withoutNamesakes(named.layers, alone.layers), ...alone.layers];
  return { ...named, layers, sources: [...named.sources, file] };
}

/** Returns the layer with the servers of the file that the flags name, which override the servers of all other files. */
export function flagLayers(parts: LayerParts): FileLayers {
  const merged = parts.stack([]);
  return merged.origins.get(pointer)?.kind === "flag" ? namedLayers(merged, parts) : noLayers;
}

/** Reads the servers of the file that `mcp.config_file` names. */
function namedLayers(merged: Merged, { surroundings, variables, leftOut = [] }: LayerParts): FileLayers {
  const { tree, unresolved } = expandTree(merged, variables);
  const named = valueAt(tree, pointer);
  if (typeof named !== "string" || named === "" || unresolved.has(pointer)) return noLayers;
  const texts = new Map<string, string>();
  const complain = (message: string) => ({
    ...noLayers,
    read: texts,
    problems: [locate({ pointer, part: "value", message }, merged.origins)],
  });
  try {
    const path = resolvePath(named, pointer, merged.origins, surroundings);
    const mayBePipe = merged.origins.get(pointer)?.kind === "flag";
    const read = readSource(path, surroundings.cwd, { mayBePipe });
    texts.set(path, read.text);
    if (read.tree.mcpServers === undefined) return complain(`${read.file} has no "mcpServers"`);
    const { mcpServers = {} } = withoutValues(read, leftOut).tree;
    const servers = { ...read, tree: { mcpServers } };
    return { layers: [fileLayer(servers)], sources: [servers], read: texts, problems: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const [first] = error.problems;
    return first?.line === 0
      ? complain(`${first.file}: ${first.message}`)
      : { ...noLayers, read: texts, problems: error.problems };
  }
}

export function withoutValues(source: Source, pointers: readonly string[]): Source {
  return pointers.length === 0 ? source : { ...source, tree: pruned(source.tree, new Set(pointers)) };
}

export const withoutServers = (source: Source) => withoutValues(source, ["/mcpServers", "/mcp/config_file"]);

/**
 * Removes servers from the lower layers if the file defines a server with the same name. The file's server thus replaces the lower one
 * completely, including its variables, headers and rights.
 */
export function withoutNamesakes(below: readonly Layer[], top: readonly Layer[]): Layer[] {
  const names = top.flatMap(({ tree }) => (isPlainObject(tree.mcpServers) ? Object.keys(tree.mcpServers) : []));
  const pointers = new Set(names.map((name) => child("/mcpServers", name)));
  return below.map((layer) => ({ ...layer, tree: pruned(layer.tree, pointers) }));
}
