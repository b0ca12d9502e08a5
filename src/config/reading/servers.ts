import { isAbsolute, join, relative, sep } from "node:path";
import { parseEnv } from "node:util";
import type { StdioServerConfig } from "../../core/config.js";
import { serverFileName } from "../../core/files/server-log-file.js";
import { stateFolder } from "../../core/files/state-folder.js";
import { isPlainObject, type JsonObject } from "../../core/json.js";
import type { Source, SourceProblem } from "../../core/source/source.js";
import { displayName, readText } from "../../core/source/source.js";
import { child } from "../../core/source/tree.js";
import { type Origins, originOf } from "./layers.js";
import { resolvePath, type Surroundings } from "./paths.js";

/** Returns problems that a schema cannot express: a reserved server name, or a transport that contradicts other keys of the server. */
export function serverProblems(tree: JsonObject): SourceProblem[] {
  return eachServer(tree).flatMap(([pointer, { command, url, type }]) => {
    const message = pointer === reserved ? reservedName : transportProblem(Boolean(command), Boolean(url), type);
    return message ? [{ pointer, part: "key", message }] : [];
  });
}

const reserved = child("/mcpServers", "host");

const reservedName =
  "the name host belongs to the host's own tools, such as host__read_resource: give the server another name";

function transportProblem(hasCommand: boolean, hasUrl: boolean, type: unknown): string | undefined {
  if (hasCommand && hasUrl) return "has both `command` (stdio) and `url` (http): keep one";
  if (!hasCommand && !hasUrl) return "needs `command` (stdio) or `url` (http)";
  if (type === "stdio" && hasUrl) return "type stdio needs `command`, not `url`";
  if ((type === "http" || type === "sse") && hasCommand) return `type ${type} needs \`url\`, not \`command\``;
  return undefined;
}

/** Changes enabled servers in place: makes their paths absolute and adds the variables from `env_file` to `env`. Returns the problems. */
export function completeServers(tree: JsonObject, origins: Origins, surroundings: Surroundings): SourceProblem[] {
  const problems: SourceProblem[] = [];
  for (const [pointer, server] of eachServer(tree)) {
    if (server.enabled === false) continue;
    for (const key of ["cwd", "env_file"]) {
      const path = server[key];
      if (typeof path === "string" && path) server[key] = resolvePath(path, `${pointer}/${key}`, origins, surroundings);
    }
    if (Array.isArray(server.roots)) {
      server.roots = server.roots.map((root, index) =>
        typeof root === "string" && root ? resolvePath(root, `${pointer}/roots/${index}`, origins, surroundings) : root,
      );
    }
    completeOAuth(server, pointer, origins, surroundings);
    if (typeof server.env_file !== "string" || !server.env_file) continue;
    const read = readText(server.env_file);
    if ("text" in read) {
      const variables = parseEnv(read.text);
      for (const name of Object.keys(variables)) {
        const at = child(`${pointer}/env`, name);
        if (!origins.has(at)) origins.set(at, originOf(origins, `${pointer}/env_file`));
      }
      server.env = { ...variables, ...(isPlainObject(server.env) ? server.env : {}) };
    } else {
      const message = `${displayName(server.env_file, surroundings.cwd)}: ${read.problem}`;
      problems.push({ pointer: `${pointer}/env_file`, part: "value", message });
    }
  }
  return problems;
}

/**
 * Returns two folders of a stdio server without `cwd`. `own`: the folder in which its process starts. `working`: the folder from which
 * relative paths in its command line are resolved. Returns undefined if the server starts in the working directory. This is so if its file lies
 * in that directory or below, if its file is one of `inPlace`, or if the environment or a flag defines the server.
 */
export function startFolders(
  name: string,
  origins: Origins,
  { surroundings: { env, cwd }, inPlace }: { surroundings: Surroundings; inPlace: ReadonlySet<Source> },
): StdioServerConfig["folders"] {
  const origin = originOf(origins, `${child("/mcpServers", name)}/command`);
  if (origin.kind !== "file" || inPlace.has(origin.source)) return undefined;
  const path = relative(cwd, origin.source.folder);
  if (path !== ".." && !path.startsWith(`..${sep}`) && !isAbsolute(path)) return undefined;
  return { own: join(stateFolder(env, "servers"), serverFileName(name)), working: cwd };
}

function completeOAuth({ oauth }: JsonObject, pointer: string, origins: Origins, surroundings: Surroundings): void {
  if (!isPlainObject(oauth)) return;
  const files = [
    [oauth, "private_key_file", `${pointer}/oauth/private_key_file`],
    [oauth.idp, "id_token_file", `${pointer}/oauth/idp/id_token_file`],
  ] as const;
  for (const [tree, key, at] of files) {
    if (!isPlainObject(tree)) continue;
    const path = tree[key];
    if (typeof path === "string" && path) tree[key] = resolvePath(path, at, origins, surroundings);
  }
}

function eachServer({ mcpServers }: JsonObject): [pointer: string, server: JsonObject][] {
  if (!isPlainObject(mcpServers)) return [];
  return Object.entries(mcpServers).flatMap(([name, server]) =>
    isPlainObject(server) ? [[child("/mcpServers", name), server]] : [],
  );
}
