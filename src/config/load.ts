import { resolve } from "node:path";
import type { Config } from "../core/config.js";
import type { Environment } from "../core/environment.js";
import { ConfigError, type ConfigProblem } from "../core/errors.js";
import { type FileTexts, objectSource, type Problem, readSource, type Source } from "../core/source.js";
import { deepFreeze, isMapping, type Mapping, pruned, valueAt } from "../core/tree.js";
import { canonicalServers } from "./aliases.js";
import { buildConfig } from "./build.js";
import { environmentLayers } from "./environment.js";
import { type Expanded, expandTree } from "./expand.js";
import { type Layer, locate, type Merged, mergeLayers, originName } from "./layers.js";
import { resolvePath, type Surroundings } from "./paths.js";
import { permissionProblems } from "./permissions.js";
import { schemaProblems } from "./problems.js";
import { isPlainVariable } from "./redact.js";
import { validate } from "./schema.js";
import { completeServers, serverProblems } from "./servers.js";

/** A configuration in the shape of the file, snake_case and all. */
export type ConfigObject = Readonly<Record<string, unknown>>;

export interface LoadOptions {
  /** Default: the process's. */
  env?: Environment;
  /** Absolute. Default: the process's. */
  cwd?: string;
  /** What flags say, in the shape of the file; nothing overrides it. */
  overrides?: ConfigObject;
  /** A placeholder of a variable that is not set stays as it is: for a host that starts nothing. Default: it is a mistake. */
  allowsUnset?: boolean;
}

export interface LoadedConfig {
  /** Frozen, all the way down. */
  config: Config;
  /** The file's name as shown to people, `(config)` when an object was loaded. */
  file: string;
  /** What was read. */
  files: FileTexts;
  /** The values in effect under the names of the file, secrets included: for `showConfig` only. */
  tree: Mapping;
  /** `config.yaml:12`, `env NAME`, `flag` or `default`, for the value at this pointer. */
  originOf(pointer: string): string;
  /** The environment variables that went into the value at this pointer. */
  variablesOf(pointer: string): readonly string[];
  /** What of the files is in effect, placeholders and all: scalars and whole lists by pointer. */
  written: ReadonlyMap<string, unknown>;
  /** The same text, as if the file had nothing at these pointers. Throws as loading does. */
  without(pointers: readonly string[]): LoadedConfig;
  /** The same with more of its shape over the files and the environment: `mcpServers` there are all there are. Throws as loading does. */
  with(more: Source, options?: WithOptions): LoadedConfig;
}

interface WithOptions extends Pick<LoadOptions, "allowsUnset"> {
  /** The variables that placeholders may name. Default: the environment. */
  variables?: Environment;
}

/** What a configuration is made of. */
interface Given {
  file: Source;
  read: FileTexts;
  surroundings: Surroundings;
  overrides: ConfigObject;
  more?: Source;
  allowsUnset?: boolean;
  /** The variables that placeholders may name. */
  variables: Environment;
}

const ADVICE = " (`mcp-platform config init` prints one to start from)";

/**
 * Reads, checks and types a configuration: flags over environment over file over defaults. Reads files, touches nothing.
 * Throws one ConfigError with everything that is wrong.
 */
export function loadConfig(source: string | ConfigObject, options: LoadOptions = {}): LoadedConfig {
  const { env = process.env, cwd = process.cwd(), overrides = {}, allowsUnset } = options;
  const given = { surroundings: { env, cwd }, overrides, allowsUnset, variables: env };
  if (typeof source !== "string") {
    return compose({ ...given, file: objectSource(source, cwd), read: new Map() });
  }
  const path = resolve(cwd, source);
  const file = readSource(path, cwd, ADVICE);
  return compose({ ...given, file, read: new Map([[path, file.text]]) });
}

function compose(given: Given): LoadedConfig {
  const { file, read, surroundings, overrides, more, variables } = given;
  const { env } = surroundings;
  const own = more?.tree.mcpServers === undefined ? file : withoutPlaces(file, ["/mcpServers", "/mcp/config_file"]);
  const stack = (servers: readonly Layer[]) => {
    const files = [...servers, fileLayer(own)];
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
  const { read: ofServers, servers, problems } = serversFile(stack([]), own, given);
  const merged = stack(servers);
  const expanded = expandTree(merged, variables);
  problems.push(...check(expanded, merged, given).map((problem) => locate(problem, merged.origins)));
  if (problems.length > 0) throw new ConfigError(problems.toSorted(byPlace));
  return {
    config: deepFreeze(buildConfig(expanded.tree, privateVariables(expanded))),
    file: file.file,
    files: new Map([...read, ...ofServers]),
    tree: deepFreeze(expanded.tree),
    originOf: (pointer) => originName(merged.origins.get(pointer) ?? { kind: "default" }),
    variablesOf: (pointer) => expanded.templates.get(pointer)?.variables ?? [],
    written: writtenIn(merged),
    without: (pointers) => compose({ ...given, file: withoutPlaces(file, pointers) }),
    with: (over, { allowsUnset, variables = given.variables } = {}) =>
      compose({ ...given, more: over, allowsUnset, variables }),
  };
}

function withoutPlaces(source: Source, pointers: readonly string[]): Source {
  return { ...source, tree: pruned(source.tree, new Set(pointers)) };
}

function privateVariables({ templates }: Expanded): string[] {
  const variables = [...templates.values()].flatMap((template) => template.variables);
  return [...new Set(variables)].filter((name) => !isPlainVariable(name));
}

function writtenIn({ tree, origins }: Merged): Map<string, unknown> {
  const inFiles = [...origins].filter(([, { kind }]) => kind === "file");
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

interface ServersFile {
  read: FileTexts;
  servers: Layer[];
  problems: ConfigProblem[];
}

/** The servers of `mcp.config_file`, but for those that the configuration itself has by the same name. */
function serversFile(merged: Merged, file: Source, { surroundings, variables }: Given): ServersFile {
  const pointer = "/mcp/config_file";
  const read = new Map<string, string>();
  const { tree, unresolved } = expandTree(merged, variables);
  const named = valueAt(tree, pointer);
  if (typeof named !== "string" || named === "" || unresolved.has(pointer)) return { read, servers: [], problems: [] };
  const complain = (message: string) => ({
    read,
    servers: [],
    problems: [locate({ pointer, part: "value", message }, merged.origins)],
  });
  try {
    const path = resolvePath(named, pointer, merged.origins, surroundings);
    const source = readSource(path, surroundings.cwd);
    read.set(path, source.text);
    const { mcpServers } = source.tree;
    if (mcpServers === undefined) return complain(`${source.file} has no "mcpServers"`);
    const inline = isMapping(file.tree.mcpServers) ? file.tree.mcpServers : {};
    const others = isMapping(mcpServers)
      ? Object.fromEntries(Object.entries(mcpServers).filter(([name]) => !Object.hasOwn(inline, name)))
      : mcpServers;
    return { read, servers: [fileLayer({ ...source, tree: { mcpServers: others } })], problems: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const [first] = error.problems;
    return first?.line === 0
      ? complain(`${first.file}: ${first.message}`)
      : { read, servers: [], problems: [...error.problems] };
  }
}

/** Completes the tree in place, with defaults and absolute paths, and says what is wrong with it. */
function check(expanded: Expanded, { origins }: Merged, { surroundings, allowsUnset }: Given): Problem[] {
  const { tree } = expanded;
  const unset = allowsUnset ? [] : expanded.problems;
  const problems = [...unset, ...completeServers(tree, origins, surroundings)];
  problems.push(...schemaProblems(validate(tree), expanded), ...serverProblems(tree), ...permissionProblems(tree));
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
