import { resolve } from "node:path";
import type { Config } from "../../core/config.js";
import type { Environment } from "../../core/environment.js";
import { ConfigError, type ConfigProblem } from "../../core/errors.js";
import { isPlainObject, type JsonObject } from "../../core/json.js";
import { type FileTexts, objectSource, readSource, type Source, type SourceProblem } from "../../core/source/source.js";
import { child, deepFreeze, pruned, treeWith, valueAt } from "../../core/source/tree.js";
import { validate } from "../schema/config-schema.js";
import { canonicalServers } from "./aliases.js";
import { buildConfig } from "./build.js";
import { providerProblems } from "./check-providers.js";
import { environmentLayers } from "./environment-keys.js";
import { type Expanded, expandTree } from "./expand.js";
import { type Layer, locate, type Merged, mergeLayers, originName } from "./layers.js";
import { resolvePath, type Surroundings } from "./paths.js";
import { permissionProblems } from "./permissions.js";
import { schemaProblems } from "./problems.js";
import { isPlainVariable } from "./redact-config.js";
import { keepStricter } from "./restrictions.js";
import { completeServers, serverProblems, startFolders } from "./servers.js";

/** A configuration with the keys of config.yaml, which are in snake_case. */
export type ConfigObject = Readonly<Record<string, unknown>>;

export interface LoadOptions {
  /** Environment variables. Default: those of the process. */
  env?: Environment;
  /** Absolute path of the folder to which relative paths refer. Default: the working directory of the process. */
  cwd?: string;
  /** Settings from flags, with the keys of config.yaml. They override all other settings. */
  overrides?: ConfigObject;
  /** True if the file was found and not named by the user. Such a file is read only if it is a regular file. */
  isFound?: boolean;
  /**
   * Path of the user's own configuration file. Settings in `source` override the settings in this file, but the rules and limits of this
   * file still apply (`restrictions.ts`).
   */
  base?: string;
  /**
   * True if no provider will be asked. Placeholders of unset variables then stay as they are, and a provider need not have an address. By
   * default, an unset variable or a missing address is an error.
   */
  allowsUnset?: boolean;
}

export interface LoadedConfig {
  /** The configuration, deeply frozen. */
  config: Config;
  /** File name for display. It is `(config)` if an object was loaded. */
  file: string;
  /** The user's own configuration. Set if a found file overrides its settings. */
  base?: LoadedConfig;
  /** Texts of the files that were read. */
  files: FileTexts;
  /** The values that are in effect, with the keys of config.yaml. The values include secrets, so only `showConfig` may display them. */
  tree: JsonObject;
  /** Returns the origin of the value at this pointer: `config.yaml:12`, `env NAME`, `flag` or `default`. */
  originOf(pointer: string): string;
  /** Returns the names of the environment variables that the value at this pointer uses. */
  variablesOf(pointer: string): readonly string[];
  /**
   * The values that are in effect and come from the file, by pointer: scalars and whole lists. Placeholders in these values are not
   * replaced. Values from the base file are not included.
   */
  written: ReadonlyMap<string, unknown>;
  /**
   * Loads the same configuration without the values at these pointers. Where `held` has a value for a pointer, this value is used instead.
   * Throws the same errors as `loadConfig`.
   */
  without(pointers: readonly string[], held?: ReadonlyMap<string, unknown>): LoadedConfig;
  /**
   * Loads the same configuration with more settings, which override the files and the environment. If `more` contains `mcpServers`, they
   * replace all other servers. Throws the same errors as `loadConfig`.
   */
  with(more: Source, options?: WithOptions): LoadedConfig;
}

interface WithOptions extends Pick<LoadOptions, "allowsUnset"> {
  /** Variables whose values replace placeholders. Default: the environment. */
  variables?: Environment;
}

/** All inputs from which a configuration is built. */
interface Given {
  file: Source;
  read: FileTexts;
  surroundings: Surroundings;
  overrides: ConfigObject;
  base?: { source: Source; loaded: LoadedConfig };
  /** Pointers of values to ignore in the file and in the file that its `mcp.config_file` names. */
  leftOut?: readonly string[];
  /** Values to use instead of the ignored values, by pointer. */
  held?: ReadonlyMap<string, unknown>;
  more?: Source;
  allowsUnset?: boolean;
  /** Variables whose values replace placeholders. */
  variables: Environment;
}

const ADVICE = " (`mcp-platform config init` prints one to start from)";

/**
 * Reads a configuration, checks it and converts it to `Config`. Flags override the environment, the environment overrides the file, and the
 * file overrides defaults. Writes no file. Throws one ConfigError with all problems.
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
  const baseFile = base && own(base.source);
  const below = baseFile ? fileLayers(baseFile, [], { ...given, stack, leftOut: [] }) : nothing;
  const top = fileLayers(file, below.layers, { ...given, stack });
  const merged = stack([...withoutNamesakes(below.layers, top.layers), ...top.layers, ...heldLayers(file, held)]);
  const expanded = expandTree(merged, variables);
  const sources = new Set(top.sources);
  if (base) {
    keepStricter(expanded.tree, { base: base.loaded, baseSource: base.source, sources, origins: merged.origins });
  }
  // A file that `--mcp-config` names for this run is not the user's own file. Programs use this flag to pass their own servers.
  const isNamed = merged.origins.get("/mcp/config_file")?.kind === "flag";
  const named = [...below.sources, ...top.sources].filter((source) => source !== file && source !== baseFile);
  const inPlace = new Set([...(more ? [more] : []), ...(isNamed ? named : [])]);
  const problems = [...top.problems, ...check(expanded, merged, given).map((each) => locate(each, merged.origins))];
  if (problems.length > 0) throw new ConfigError(problems.toSorted(byPlace));
  return {
    config: deepFreeze(
      buildConfig(expanded.tree, privateVariables(expanded), (name) =>
        startFolders(name, merged.origins, { surroundings, inPlace }),
      ),
    ),
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

/** The layers of a file: first the servers from its `mcp.config_file`, then the file itself. Later layers override earlier ones. */
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
 * Removes servers from the lower layers if the file defines a server with the same name. The file's server thus replaces the lower one
 * completely, including its variables, headers and rights.
 */
function withoutNamesakes(below: readonly Layer[], top: readonly Layer[]): Layer[] {
  const names = top.flatMap(({ tree }) => (isPlainObject(tree.mcpServers) ? Object.keys(tree.mcpServers) : []));
  const pointers = new Set(names.map((name) => child("/mcpServers", name)));
  return below.map((layer) => ({ ...layer, tree: pruned(layer.tree, pointers) }));
}

/** Returns the values that come from one of the `sources`. Without `sources`, returns the values from all files. */
function writtenIn({ tree, origins }: Merged, sources?: ReadonlySet<Source>): Map<string, unknown> {
  const inFiles = [...origins].filter(([, origin]) => origin.kind === "file" && (sources?.has(origin.source) ?? true));
  const values = inFiles.map(([pointer]) => [pointer, valueAt(tree, pointer)] as const);
  return new Map(values.filter(([, value]) => value !== undefined && !isPlainObject(value)));
}

function defaults(): Layer {
  const tree: JsonObject = {};
  validate(tree);
  return { tree, originOf: () => ({ kind: "default" }) };
}

function fileLayer(source: Source): Layer {
  const { tree, renamed } = canonicalServers(source.tree);
  return { tree, originOf: (pointer) => ({ kind: "file", source, pointer: renamed.get(pointer) ?? pointer }) };
}

/** Returns a layer for each value in `held`. The file counts as the origin of these values. */
function heldLayers(file: Source, held: ReadonlyMap<string, unknown>): Layer[] {
  const { originOf } = fileLayer(file);
  return [...held].map(([pointer, value]) => ({ tree: treeWith(pointer, value), originOf }));
}

interface LayerParts extends Pick<Given, "surroundings" | "variables" | "leftOut"> {
  /** Merges the layers of files with those of the defaults, the environment and the flags. */
  stack: (files: readonly Layer[]) => Merged;
}

/** Returns the layers of a file. A server in its `mcp.config_file` is ignored if the file itself has a server with the same name. */
function fileLayers(
  file: Source,
  below: readonly Layer[],
  { stack, surroundings, variables, leftOut = [] }: LayerParts,
): FileLayers {
  const pointer = "/mcp/config_file";
  const alone = { layers: [fileLayer(file)], sources: [file], read: new Map<string, string>(), problems: [] };
  const merged = stack([...below, ...alone.layers]);
  const origin = merged.origins.get(pointer);
  // If this file does not set `mcp.config_file`, the servers of the file named there are already in the layers below.
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
    const inline = isPlainObject(file.tree.mcpServers) ? file.tree.mcpServers : {};
    const listed = source.tree.mcpServers ?? {};
    const others = isPlainObject(listed)
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

/** Checks the tree. Adds defaults and makes paths absolute; both change the tree in place. Returns the problems. */
function check(expanded: Expanded, { origins }: Merged, given: Given): SourceProblem[] {
  const { surroundings, allowsUnset, leftOut, more } = given;
  const { tree } = expanded;
  const unset = allowsUnset ? [] : expanded.problems;
  const problems = [...unset, ...completeServers(tree, origins, surroundings)];
  problems.push(...schemaProblems(validate(tree), expanded), ...serverProblems(tree), ...permissionProblems(tree));
  // Addresses of providers are not checked if some settings are left out, because an address may be one of these settings. They are also
  // not checked if the run may need no provider: a tape may answer for a script (`more`), and with `allowsUnset` no provider is asked.
  if (!leftOut && !more && !allowsUnset) problems.push(...providerProblems(tree, expanded.unresolved));
  const storage = valueAt(tree, "/chat/storage");
  if (isPlainObject(storage) && storage.driver === "postgres" && storage.url === undefined) {
    problems.push({ pointer: "/chat/storage/driver", part: "value", message: "postgres needs a url beside it" });
  }
  if (isPlainObject(storage) && typeof storage.path === "string") {
    storage.path = resolvePath(storage.path, "/chat/storage/path", origins, surroundings);
  }
  return problems;
}

function byPlace(one: ConfigProblem, other: ConfigProblem): number {
  return one.file.localeCompare(other.file) || one.line - other.line || one.column - other.column;
}
