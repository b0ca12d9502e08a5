/**
 * Information about servers that is available without starting the servers: stored tool definitions and configuration. Used to replay a
 * conversation.
 */

import type { LoadedConfig } from "../../config/reading/load.js";
import type { ServerConfig } from "../../core/config.js";
import type { Environment } from "../../core/environment.js";
import { modelName } from "../../core/patterns/model-name.js";
import { child } from "../../core/source/tree.js";
import { demoServer } from "../../demo/demo-servers.js";
import { manifestFiles } from "../../host/user-state.js";
import { Manifest } from "../../mcp/lists/manifest.js";
import type { FindTool } from "../../session/export/playable.js";
import type { RequestTool } from "../from-log/log-tape.js";

/** Returns the tool definitions that this host stored when it was last connected to the servers. */
export function definitions({ config }: LoadedConfig, env: Environment): ReadonlyMap<string, readonly RequestTool[]> {
  const servers = isConfigured({ config }, "demo") ? config.mcpServers : [...config.mcpServers, demoServer()];
  const known = servers.map((server) => {
    const tools = new Manifest(manifestFiles(env), server).read()?.lists.tools ?? [];
    const wire = tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
    return [server.name, wire] as const;
  });
  return new Map(known.filter(([, tools]) => tools.length > 0));
}

export function isConfigured({ config }: Pick<LoadedConfig, "config">, server: string): boolean {
  return config.mcpServers.some(({ name }) => name === server);
}

/** Returns a function that finds a tool by the name under which the model sees it. */
export function findTool(known: ReadonlyMap<string, readonly RequestTool[]>): FindTool {
  const pairs = [...known].flatMap(([server, tools]) => tools.map(({ name: tool }) => ({ server, tool })));
  const byName = new Map(pairs.map((pair) => [modelName(pair.server, pair.tool), pair]));
  return (name) => byName.get(name);
}

const shared = ["command", "args", "cwd", "url", "type", "roots"] as const;

/**
 * Returns the server as an entry of `mcpServers`, with its restrictions, because the entry replaces the configured one. What grants the
 * server something, such as `trusted` or `tools.auto_approve`, is not part of the entry. The values of its environment and headers are
 * replaced by placeholders. If the server is not configured, the server's name is used as its command.
 */
export function writtenServer(
  { config, written: above, base }: Pick<LoadedConfig, "config" | "written" | "base">,
  server: string,
  clean: (text: string) => string,
): Record<string, unknown> {
  const at = child("/mcpServers", server);
  // A server of a file replaces the one of the user's own file as a whole.
  const isAbove = [...above.keys()].some((pointer) => pointer.startsWith(`${at}/`));
  const written = isAbove ? above : (base?.written ?? above);
  const own = shared.flatMap((key) => {
    const value = written.get(child(at, key));
    return value === undefined ? [] : [[key, cleaned(value, clean)] as const];
  });
  const env = variables(written, child(at, "env"), (name) => name);
  const headers = variables(written, child(at, "headers"), (name) => `${server}_${name}`);
  const known = own.some(([key]) => key === "command" || key === "url");
  const restrictions = restrictionsOf(config.mcpServers.find(({ name }) => name === server));
  return { ...(known ? Object.fromEntries(own) : { command: server }), ...env, ...headers, ...restrictions };
}

/** Returns the restrictions that are in effect. The user's own file may have more of them than the file that has the server. */
function restrictionsOf(server: ServerConfig | undefined): Record<string, unknown> {
  if (!server) return {};
  const { tools, sampling } = server;
  const { allow, deny } = tools;
  const lists = { ...(allow.length > 0 && { allow }), ...(deny.length > 0 && { deny }) };
  return {
    ...(Object.keys(lists).length > 0 && { tools: lists }),
    ...(sampling === "deny" && { sampling }),
  };
}

function cleaned(value: unknown, clean: (text: string) => string): unknown {
  if (typeof value === "string") return clean(value);
  return Array.isArray(value) ? value.map((item) => cleaned(item, clean)) : value;
}

/** Returns placeholders for the settings below the pointer `at`, such as `{env: {TOKEN: "${TOKEN}"}}`. */
function variables(
  written: LoadedConfig["written"],
  at: string,
  variable: (name: string) => string,
): Record<string, Record<string, string>> {
  const names = [...written.keys()]
    .filter((pointer) => pointer.startsWith(`${at}/`))
    .map((each) => each.slice(at.length + 1));
  if (names.length === 0) return {};
  const values = names.map((name) => [name, `\${${variable(name).toUpperCase().replaceAll(/\W/g, "_")}}`] as const);
  return { [at.slice(at.lastIndexOf("/") + 1)]: Object.fromEntries(values) };
}
