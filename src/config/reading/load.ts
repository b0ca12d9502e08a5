import { resolve } from "node:path";
import type { Config } from "../../core/config.js";
import type { Environment } from "../../core/environment.js";
import { byPosition, ConfigError } from "../../core/errors.js";
import { isPlainObject, type JsonObject } from "../../core/json.js";
import { isPlainVariable } from "../../core/secrets/secret-names.js";
import { type FileTexts, objectSource, readSource, type Source } from "../../core/source/source.js";
import { deepFreeze, keys, valueAt } from "../../core/source/tree.js";
import { validate } from "../schema/config-schema.js";
import { buildConfig } from "./build.js";
import { checkTree } from "./check-tree.js";
import { environmentLayers } from "./environment-keys.js";
import { type Expanded, expandTree, type Template } from "./expand.js";
import {
  fileLayer,
  fileLayers,
  flagLayers,
  heldLayers,
  noLayers,
  withoutNamesakes,
  withoutServers,
  withoutValues,
} from "./file-layers.js";
import { type Layer, locate, type Merged, mergeLayers, originName } from "./layers.js";
import type { Surroundings } from "./paths.js";
import { keepStricter } from "./restrictions.js";
import { startFolders } from "./servers.js";

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

/** Returns true if this is a configuration that has been loaded. A program may pass one in place of a file's name or an object. */
export function isLoaded(config: string | ConfigObject | LoadedConfig | undefined): config is LoadedConfig {
  return typeof config === "object" && typeof config.originOf === "function";
}

interface WithOptions extends Pick<LoadOptions, "allowsUnset"> {
  /** Variables whose values replace placeholders. Default: the environment. */
  variables?: Environment;
}

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
  variables: Environment;
}

const advice = " (`mcp-platform config init` prints one to start from)";

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
  const file = readSource(path, cwd, { advice: advice, mayBePipe: !isFound });
  return compose({ ...given, file, read: new Map([[path, file.text]]) });
}

function loadBase(path: string, given: Omit<Given, "file" | "read">): Given["base"] {
  const source = readSource(path, given.surroundings.cwd, { mayGrow: true });
  return { source, loaded: compose({ ...given, file: source, read: new Map([[path, source.text]]) }) };
}

function compose(given: Given): LoadedConfig {
  const { read, surroundings, overrides, base, leftOut = [], held = new Map(), more, allowsUnset, variables } = given;
  const { env } = surroundings;
  const own = more?.tree.mcpServers === undefined ? (source: Source) => source : withoutServers;
  const file = own(withoutValues(given.file, leftOut));
  const stack = (files: readonly Layer[], flags: ConfigObject = {}) => {
    const environment = environmentLayers(env, mergeLayers(files).tree);
    const over = more ? [fileLayer(more)] : [];
    return mergeLayers([
      defaults(),
      ...files,
      ...environment,
      ...over,
      { tree: flags, originOf: () => ({ kind: "flag" }) },
    ]);
  };
  const baseFile = base && own(base.source);
  const below = baseFile ? fileLayers(baseFile, [], { ...given, stack, leftOut: [] }) : noLayers;
  const top = fileLayers(file, below.layers, { ...given, stack });
  const withFlags = (files: readonly Layer[]) => stack(files, overrides);
  const flagged = own === withoutServers ? noLayers : flagLayers({ ...given, stack: withFlags, leftOut: [] });
  const files = [...withoutNamesakes(below.layers, top.layers), ...top.layers, ...heldLayers(file, held)];
  const merged = withFlags([...withoutNamesakes(files, flagged.layers), ...flagged.layers]);
  const expanded = expandTree(merged, variables);
  const sources = new Set(top.sources);
  if (base) {
    keepStricter(expanded.tree, { base: base.loaded, baseSource: base.source, sources, origins: merged.origins });
  }
  // A file that `--mcp-config` names for this run is not the user's own file. Programs use this flag to pass their own servers.
  const inPlace = new Set([...(more ? [more] : []), ...flagged.sources]);
  const isPartial = given.leftOut !== undefined || more !== undefined;
  const found = checkTree(expanded, merged, { surroundings, allowsUnset, isPartial });
  const problems = [...top.problems, ...flagged.problems, ...found.map((each) => locate(each, merged.origins))];
  if (problems.length > 0) throw new ConfigError(problems.toSorted(byPosition));
  return {
    config: deepFreeze(
      buildConfig(expanded.tree, {
        privateVariables: privateVariables(expanded.templates),
        foldersOf: (server) => startFolders(server, merged.origins, { surroundings, inPlace }),
        placeholderValuesOf: placeholderValues(expanded, variables),
      }),
    ),
    file: file.file,
    base: base?.loaded,
    files: new Map([...(base?.loaded.files ?? []), ...read, ...top.read, ...flagged.read]),
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

function privateVariables(templates: Iterable<readonly [pointer: string, template: Template]>): string[] {
  const variables = [...templates].flatMap(([, template]) => template.variables);
  return [...new Set(variables)].filter((name) => !isPlainVariable(name));
}

/** Returns a function that returns the values of the private variables that a server's settings use. */
function placeholderValues({ templates }: Expanded, environment: Environment): (server: string) => string[] {
  const ofServers = new Map<string, [pointer: string, template: Template][]>();
  for (const [pointer, template] of templates) {
    const [top, name = ""] = keys(pointer);
    if (top !== "mcpServers") continue;
    const known = ofServers.get(name);
    if (known) known.push([pointer, template]);
    else ofServers.set(name, [[pointer, template]]);
  }
  return (server) => privateVariables(ofServers.get(server) ?? []).flatMap((name) => environment[name] ?? []);
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
