import { createHash } from "node:crypto";
import type { ServerConfig } from "../../core/config.js";
import { globMatches } from "../../core/patterns/glob.js";
import type { ToolAnnotations, ToolFacts } from "../../core/ports.js";
import type { ListedTool } from "./listed.js";
import { programOf } from "./manifest-place.js";

const maxLength = 64;
const hashLength = 10;
const hashed = new RegExp(`_[0-9a-f]{${hashLength}}$`);

/**
 * Returns the name under which the model sees an item: `server__item`, within `^[a-zA-Z0-9_-]{1,64}$`. The name depends only on the server
 * and the item, so other servers never change it. Two different pairs of server and item never share a name: an ambiguous or unusual name
 * ends with a hash of the pair. A plain name that looks as if it ended with such a hash also gets a hash.
 */
export function modelName(server: string, item: string): string {
  const name = `${server}__${item}`;
  if (splitsBack(server) && /^[a-zA-Z0-9_-]{1,64}$/.test(name) && item !== "" && !hashed.test(name)) return name;
  const hash = createHash("sha256")
    .update(JSON.stringify([server, item]))
    .digest("hex")
    .slice(0, hashLength);
  const clean = name.replaceAll(/[^a-zA-Z0-9_-]/g, "_").slice(0, maxLength - hashLength - 1);
  return `${clean}_${hash}`;
}

/** Returns true if, for every item, the first `__` of `server__item` is the separator. */
function splitsBack(server: string): boolean {
  return server !== "" && !server.includes("__") && !server.endsWith("_");
}

/**
 * Returns true if the model may see the tool. Returns false for a tool that is only for the server's own pages, and for a tool that the
 * user's filters forbid. The filters contain the server's own tool names. `deny` wins over `allow`, and an empty `allow` allows every tool.
 */
export function isOffered(
  { tools }: ServerConfig,
  { name, isForApps }: Pick<ListedTool, "name" | "isForApps">,
): boolean {
  if (isForApps) return false;
  return (tools.allow.length === 0 || matchesAny(tools.allow, name)) && !isDenied({ tools }, name);
}

export function isDenied({ tools }: Pick<ServerConfig, "tools">, name: string): boolean {
  return matchesAny(tools.deny, name);
}

/**
 * Returns how long a call of the tool may stay silent, in ms. Returns the timeout of the user's first pattern that matches the tool. If no
 * pattern matches, returns the server's timeout.
 */
export function timeoutOf({ tools, timeoutMs }: ServerConfig, tool: string): number {
  return Object.entries(tools.timeoutsMs).find(([pattern]) => globMatches(pattern, tool))?.[1] ?? timeoutMs;
}

type AnnotatedTool = Pick<ListedTool, "name" | "readOnly" | "idempotent" | "destructive" | "openWorld">;

export function factsOf(config: ServerConfig, tool: AnnotatedTool): ToolFacts {
  return {
    server: config.name,
    tool: tool.name,
    ...programOf(config),
    ...annotationsOf(config, tool),
    autoApproved: matchesAny(config.tools.autoApprove, tool.name),
  };
}

/**
 * Returns the annotations of a tool. If its server is not trusted, all are false. For a missing annotation, the default of spec 2025-11-25
 * applies: a tool that is not read-only is destructive, and every tool is open-world.
 */
export function annotationsOf({ trusted }: ServerConfig, tool: AnnotatedTool): ToolAnnotations {
  const { readOnly, idempotent, destructive = !readOnly, openWorld = true } = tool;
  return {
    readOnly: trusted && readOnly,
    idempotent: trusted && idempotent,
    destructive: trusted && destructive && !readOnly,
    openWorld: trusted && openWorld,
  };
}

function matchesAny(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => globMatches(pattern, name));
}
