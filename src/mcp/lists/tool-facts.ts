import type { ServerConfig } from "../../core/config.js";
import { globMatches } from "../../core/patterns/glob.js";
import { readTool } from "../../core/patterns/hidden-servers.js";
import { plainName } from "../../core/patterns/tool-pattern.js";
import type { ToolAnnotations, ToolFacts } from "../../core/ports.js";
import type { ListedTool } from "./listed.js";
import { programOf } from "./manifest-place.js";

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

/**
 * Returns true if `tools.deny` matches the tool's name, or its name as other hosts spell it: rules that were imported from there may have no
 * other.
 */
export function isDenied({ tools }: Pick<ServerConfig, "tools">, name: string): boolean {
  if (tools.deny.length === 0) return false;
  const plain = plainName(name);
  return matchesAny(tools.deny, name) || (plain !== name && matchesAny(tools.deny, plain));
}

/** Returns true if resources of the server may be read: unless its `tools.deny` matches `read_resource`. */
export function isReadable({ config }: { config: Pick<ServerConfig, "tools"> }): boolean {
  return !isDenied(config, readTool);
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
