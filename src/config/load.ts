import { resolve } from "node:path";
import type { Config } from "../core/config.js";
import type { Environment } from "../core/environment.js";
import { ConfigError, type ConfigProblem } from "../core/errors.js";
import { type FileTexts, objectSource, type Problem, readSource, type Source } from "../core/source.js";
import { child, deepFreeze, isMapping, type Mapping, pruned, treeWith, valueAt } from "../core/tree.js";
import { canonicalServers } from "./aliases.js";
import { buildConfig } from "./build.js";
import { environmentLayers } from "./environment.js";
import { type Expanded, expandTree } from "./expand.js";
import { type Layer, locate, type Merged, mergeLayers, originName } from "./layers.js";
import { resolvePath, type Surroundings } from "./paths.js";
import { permissionProblems } from "./permissions.js";
import { schemaProblems } from "./problems.js";
import { providerProblems } from "./providers.js";
import { isPlainVariable } from "./redact.js";
import { keepStricter } from "./restrictions.js";
import { validate } from "./schema.js";
import { completeServers, serverProblems } from "./servers.js";

/** A configuration in the shape of the file, in snake_case. */
export type ConfigObject = Readonly<Record<string, unknown>>;

export interface LoadOptions {
  /** Default: the environment of the process. */
  env?: Environment;
  /** Absolute. Default: the working directory of the process. */
  cwd?: string;
  /** Settings from flags, in the shape of the file; nothing overrides them. */
  overrides?: ConfigObject;
  /** True if the user has not named the source: it is then read only if it is a regular file. */
  isFound?: boolean;
  /** The user's own file below `source`. Its rules and limits still hold, see `restrictions.ts`. */
  base?: string;
  /**
   * True for a host that asks no provider: placeholders of unset variables stay, and a provider needs no address. Default: both are
   * mistakes.
   */
  allowsUnset?: boolean;
}

export interface LoadedConfig {
  /** Deeply frozen. */
  config: Config;
  /** File name for display, `(config)` if an object was loaded. */
  file: string;
  /** The user's own configuration, below the file. */
  base?: LoadedConfig;
  /** Texts of the files that were read. */
  files: FileTexts;
  /** Effective values under the names of the file, secrets included: for `showConfig` only. */
  tree: Mapping;
  /** Returns the origin of the value at this pointer: `config.yaml:12`, `env NAME`, `flag` or `default`. */
  originOf(pointer: string): string;
  /** Returns the environment variables used in the value at this pointer. */
  variablesOf(pointer: string): readonly string[];
  /** Effective values of the file, with placeholders: scalars and whole lists by pointer. Excludes the base's values. */
  written: ReadonlyMap<string, unknown>;
  /** Loads the same text without the values at these pointers, or with these values instead. Throws as loading does. */
  without(pointers: readonly string[], held?: ReadonlyMap<string, unknown>): LoadedConfig;
  /**
   * Loads the same with more settings over the files and the environment; `mcpServers` in `more` replaces all others. Throws as loading
   * does.
   */
  with(more: Source, options?: WithOptions): LoadedConfig;
}

interface WithOptions extends Pick<LoadOptions, "allowsUnset"> {
  /** Variables that placeholders may name. Default: the environment. */
  variables?: Environment;
}

/** Input of a configuration. */
interface Given {
  file: Source;
  read: FileTexts;
  surroundings: Surroundings;
  overrides: ConfigObject;
  base?: { source: Source; loaded: LoadedConfig };
  /** Pointers in the file, and in its `mcp.config_file`, that do not count. */
  leftOut?: readonly string[];
  /** Values that replace left-out ones, by pointer. */
  held?: ReadonlyMap<string, unknown>;
  more?: Source;
  allowsUnset?: boolean;
  /** Variables that placeholders may name. */
  variables: Environment;
}

const ADVICE = " (`mcp-platform config init` prints one to start from)";

/**
 * Reads, checks and types a configuration: flags over environment over file over defaults. Reads files and writes nothing. Throws one
 * ConfigError with all problems.
 */
export function loadConfig(source: string | ConfigObject, options: LoadOptions = {}): LoadedConfig {
  const { env = process.env, cwd = process.cwd(), overrides = {}, allowsUnset, isFound = false, base } = options;
  const common = { surroundings: { env, cwd }, overrides, allowsUnset, variables: env };
  const given = { ...common, base: base === undefined ? undefined : loadBase(resolve(cwd, base), common) };
  if (typeof source !== "string") {
    return compose({ ...given, file: objectSource(source, cwd), read: new Map() });
  }
  const path = resolve(cwd, source);
  const file = readSource(path, cwd, { advice: ADVICE, mayBePipe: !isFound });
  return compose({ ...given, file, read: new Map([[path, file.text]]) });
}

function loadBase(path: string, given: Omit<Given, "file" | "read">): Given["base"] {
  const source = readSource(path, given.surroundings.cwd);
  return { source, loaded: compose({ ...given, file: source, read: new Map([[path, source.text]]) }) };
}

function compose(given: Given): LoadedConfig {
  const { read, surroundings, overrides, base, leftOut = [], held = new Map(), more, variables } = given;
  const { env } = surroundings;
  const own = more?.tree.mcpServers === undefined ? (source: Source) => source : withoutServers;
  const file = own(withoutPlaces(given.file, leftOut));
  const stack = (files: readonly Layer[]) => {
    const environment = environmentLayers(env, mergeLayers(files).tree);
    const over = more ? [fileLayer(more)] : [];
    return mergeLayers([
      defaults(),
      ...files,
      ...environment,
      ...over,
      { tree: overrides, originOf: () => ({ kind: "flag" }) },
    ]);
  };
  const below = base ? fileLayers(own(base.source), [], { ...given, stack, leftOut: [] }) : nothing;
  const top = fileLayers(file, below.layers, { ...given, stack });
  const merged = stack([...withoutNamesakes(below.layers, top.layers), ...top.layers, ...heldLayers(file, held)]);
  const expanded = expandTree(merged, variables);
  const sources = new Set(top.sources);
  if (base) {
    keepStricter(expanded.tree, { base: base.loaded, baseSource: base.source, sources, origins: merged.origins });
  }
  const problems = [...top.problems, ...check(expanded, merged, given).map((each) => locate(each, merged.origins))];
  if (problems.length > 0) throw new ConfigError(problems.toSorted(byPlace));
  return {
    config: deepFreeze(buildConfig(expanded.tree, privateVariables(expanded))),
    file: file.file,
    base: base?.loaded,
    files: new Map([...(base?.loaded.files ?? []), ...read, ...top.read]),
    tree: deepFreeze(expanded.tree),
    originOf: (pointer) => originName(merged.origins.get(pointer) ?? { kind: "default" }),
    variablesOf: (pointer) => expanded.templates.get(pointer)?.variables ?? [],
    written: writtenIn(merged, base ? sources : undefined),
    without: (pointers, values = new Map()) =>
      compose({ ...given, leftOut: [...leftOut, ...pointers], held: new Map([...held, ...values]) }),
    with: (over, { allowsUnset, variables = given.variables } = {}) =>
      compose({ ...given, more: over, allowsUnset, variables }),
  };
}

/** A file and the servers of its `mcp.config_file`, lowest layer first. */
interface FileLayers {
  layers: readonly Layer[];
  sources: readonly Source[];
  read: FileTexts;
  problems: readonly ConfigProblem[];
}

function privateVariables({ templates }: Expanded): string[] {
  const variables = [...templates.values()].flatMap((template) => template.variables);
  return [...new Set(variables)].filter((name) => !isPlainVariable(name));
}

const nothing: FileLayers = { layers: [], sources: [], read: new Map(), problems: [] };

function withoutPlaces(source: Source, pointers: readonly string[]): Source {
  return pointers.length === 0 ? source : { ...source, tree: pruned(source.tree, new Set(pointers)) };
}

const withoutServers = (source: Source) => withoutPlaces(source, ["/mcpServers", "/mcp/config_file"]);

/**
 * Removes servers below that the file also has: a server replaces the whole one below, without inheriting its variables, headers or rights.
 */
function withoutNamesakes(below: readonly Layer[], top: readonly Layer[]): Layer[] {
  const names = top.flatMap(({ tree }) => (isMapping(tree.mcpServers) ? Object.keys(tree.mcpServers) : []));
  const pointers = new Set(names.map((name) => child("/mcpServers", name)));
  return below.map((layer) => ({ ...layer, tree: pruned(layer.tree, pointers) }));
}

/** Returns the values from `sources`, by default from any file. */
function writtenIn({ tree, origins }: Merged, sources?: ReadonlySet<Source>): Map<string, unknown> {
  const inFiles = [...origins].filter(([, origin]) => origin.kind === "file" && (sources?.has(origin.source) ?? true));
  const values = inFiles.map(([pointer]) => [pointer, valueAt(tree, pointer)] as const);
  return new Map(values.filter(([, value]) => value !== undefined && !isMapping(value)));
}

function defaults(): Layer {
  const tree: Mapping = {};
  validate(tree);
  return { tree, originOf: () => ({ kind: "default" }) };
}

function fileLayer(source: Source): Layer {
  const { tree, renamed } = canonicalServers(source.tree);
  return { tree, originOf: (pointer) => ({ kind: "file", source, pointer: renamed.get(pointer) ?? pointer }) };
}

/** Returns layers of values that replace the file's own. */
function heldLayers(file: Source, held: ReadonlyMap<string, unknown>): Layer[] {
  const { originOf } = fileLayer(file);
  return [...held].map(([pointer, value]) => ({ tree: treeWith(pointer, value), originOf }));
}

interface LayerParts extends Pick<Given, "surroundings" | "variables" | "leftOut"> {
  /** Lays these files under the environment and flags. */
  stack: (files: readonly Layer[]) => Merged;
}

/** Returns the file's layers. Servers of `mcp.config_file` count unless the file itself has one of the same name. */
function fileLayers(
  file: Source,
  below: readonly Layer[],
  { stack, surroundings, variables, leftOut = [] }: LayerParts,
): FileLayers {
  const pointer = "/mcp/config_file";
  const alone = { layers: [fileLayer(file)], sources: [file], read: new Map<string, string>(), problems: [] };
  const merged = stack([...below, ...alone.layers]);
  const origin = merged.origins.get(pointer);
  // A path from a flag, the environment or the file below is read with the file below.
  if (below.length > 0 && !(origin?.kind === "file" && origin.source === file)) return alone;
  const { tree, unresolved } = expandTree(merged, variables);
  const named = valueAt(tree, pointer);
  if (typeof named !== "string" || named === "" || unresolved.has(pointer)) return alone;
  const complain = (message: string) => ({
    ...alone,
    problems: [locate({ pointer, part: "value", message }, merged.origins)],
  });
  try {
    const path = resolvePath(named, pointer, merged.origins, surroundings);
    const read = readSource(path, surroundings.cwd, { mayBePipe: origin?.kind === "flag" });
    alone.read.set(path, read.text);
    const source = withoutPlaces(read, leftOut);
    const { mcpServers } = read.tree;
    if (mcpServers === undefined) return complain(`${source.file} has no "mcpServers"`);
    const inline = isMapping(file.tree.mcpServers) ? file.tree.mcpServers : {};
    const listed = source.tree.mcpServers ?? {};
    const others = isMapping(listed)
      ? Object.fromEntries(Object.entries(listed).filter(([name]) => !Object.hasOwn(inline, name)))
      : listed;
    const servers = { ...source, tree: { mcpServers: others } };
    return { ...alone, layers: [fileLayer(servers), ...alone.layers], sources: [servers, file] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const [first] = error.problems;
    return first?.line === 0 ? complain(`${first.file}: ${first.message}`) : { ...alone, problems: error.problems };
  }
}

/** Completes the tree in place with defaults and absolute paths, and returns its problems. */
function check(expanded: Expanded, { origins }: Merged, given: Given): Problem[] {
  const { surroundings, allowsUnset, leftOut, more } = given;
  const { tree } = expanded;
  const unset = allowsUnset ? [] : expanded.problems;
  const problems = [...unset, ...completeServers(tree, origins, surroundings)];
  problems.push(...schemaProblems(validate(tree), expanded), ...serverProblems(tree), ...permissionProblems(tree));
  // With parts left out a provider may have no address, and a tape may replace the provider.
  if (!leftOut && !more && !allowsUnset) problems.push(...providerProblems(tree, expanded.unresolved));
  const storage = valueAt(tree, "/chat/storage");
  if (isMapping(storage) && storage.driver === "postgres" && storage.url === undefined) {
    problems.push({ pointer: "/chat/storage/driver", part: "value", message: "postgres needs a url beside it" });
  }
  if (isMapping(storage) && typeof storage.path === "string") {
    storage.path = resolvePath(storage.path, "/chat/storage/path", origins, surroundings);
  }
  return problems;
}

function byPlace(one: ConfigProblem, other: ConfigProblem): number {
  return one.file.localeCompare(other.file) || one.line - other.line || one.column - other.column;
}
