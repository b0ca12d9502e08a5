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
 * Returns the name under which the model sees an item: `server__item`, within `^[a-zA-Z0-9_-]{1,64}$`. The name depends only on server and
 * item, so other servers never change it. Two pairs never share a name: an ambiguous or unusual name gets a hash of the pair, and so does a
 * plain name that seems to end with a hash.
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

/** Returns true if the first `__` of `server__item` is always the separator, for any item. */
function splitsBack(server: string): boolean {
  return server !== "" && !server.includes("__") && !server.endsWith("_");
}

/**
 * Returns true if the model may see the tool: it is not only for the server's own pages, and the user's filters allow it. The filters apply
 * to the server's own tool names. `deny` wins over `allow`, and an empty `allow` allows all.
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
 * Returns how long a call of the tool may stay silent, in ms. The first of the user's patterns that matches decides; if none matches, the
 * server's timeout applies.
 */
export function timeoutOf({ tools, timeoutMs }: ServerConfig, tool: string): number {
  return Object.entries(tools.timeoutsMs).find(([pattern]) => globMatches(pattern, tool))?.[1] ?? timeoutMs;
}

type AnnotatedTool = Pick<ListedTool, "name" | "readOnly" | "idempotent" | "destructive" | "openWorld">;

export function factsOf(config: ServerConfig, tool: AnnotatedTool): ToolFacts {
  return {
    server: config.name,
    tool: tool.name,
    place: programOf(config),
    ...annotationsOf(config, tool),
    autoApproved: matchesAny(config.tools.autoApprove, tool.name),
  };
}

/**
 * Returns the annotations of a tool; all are false if its server is not trusted. The defaults are those of spec 2025-11-25: a tool that is
 * not read-only is destructive, and every tool is open-world, unless the server says otherwise.
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
