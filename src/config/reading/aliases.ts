import { isPlainObject, type JsonObject } from "../../core/json.js";
import { child } from "../../core/source/tree.js";

/**
 * Keys that other hosts use in `mcpServers`, with our name for each. `tools.auto_approve` means the key `auto_approve` in the mapping
 * `tools`.
 */
const keys: Record<string, string> = {
  disabled: "enabled",
  autoApprove: "tools.auto_approve",
  alwaysAllow: "tools.auto_approve",
  envFile: "env_file",
  startupTimeout: "startup_timeout",
  startupGrace: "startup_grace",
  maxTotalTimeout: "max_total_timeout",
};

const types: Record<string, string> = { "streamable-http": "http", streamable_http: "http", streamableHttp: "http" };

/** Maps the pointer of each renamed key, with our name of the key, to the pointer that the key has in the file. */
export type Renamed = ReadonlyMap<string, string>;

/**
 * Returns the tree with our names of keys in `mcpServers`. If a server has both an alias and our key, the value of our key is used. A
 * server that is null becomes an empty mapping.
 */
export function canonicalServers(tree: JsonObject): { tree: JsonObject; renamed: Renamed } {
  const renamed = new Map<string, string>();
  if (!isPlainObject(tree.mcpServers)) return { tree, renamed };
  const servers = Object.entries(tree.mcpServers).map(([name, server]) => [
    name,
    isPlainObject(server ?? {}) ? canonicalServer(asMapping(server), child("/mcpServers", name), renamed) : server,
  ]);
  return { tree: { ...tree, mcpServers: Object.fromEntries(servers) }, renamed };
}

function canonicalServer(server: JsonObject, at: string, renamed: Map<string, string>): JsonObject {
  const ours = Object.fromEntries(Object.entries(server).filter(([key]) => !isAlias(server, key)));
  if (typeof ours.type === "string" && Object.hasOwn(types, ours.type)) ours.type = types[ours.type];
  for (const [key, target] of Object.entries(keys)) {
    if (!isAlias(server, key)) continue;
    const value = key === "disabled" && typeof server[key] === "boolean" ? !server[key] : server[key];
    const [first = "", second] = target.split(".");
    ours[first] = second ? { [second]: value, ...asMapping(ours[first]) } : (ours[first] ?? value);
    renamed.set(`${at}/${target.replace(".", "/")}`, child(at, key));
  }
  return ours;
}

/**
 * Returns true if the server has this key and the key is an alias. A `disabled` whose value contains a placeholder counts as an unknown key
 * and not as an alias, because the value has to be inverted and is not known yet.
 */
function isAlias(server: JsonObject, key: string): boolean {
  const known = Object.hasOwn(keys, key) && Object.hasOwn(server, key);
  return known && (key !== "disabled" || !String(server[key]).includes("${"));
}

function asMapping(value: unknown): JsonObject {
  return isPlainObject(value) ? value : {};
}
