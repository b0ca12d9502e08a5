import type { ServerConfig } from "../../core/config.js";
import { globMatches } from "../../core/patterns/glob.js";
import { readTool } from "../../core/patterns/hidden-servers.js";
import { plainName } from "../../core/patterns/tool-pattern.js";
import type { ToolAnnotations, ToolFacts } from "../../core/ports.js";
import type { ListedTool } from "./listed.js";
import { programOf } from "./server-hash.js";

/** The filters of a server: `mcpServers.*.tools`. */
type FilterConfig = Pick<ServerConfig, "name" | "tools">;

/**
 * Returns true if the model may see the tool. Returns false for a tool that is only for the server's own pages, and for a tool that the
 * user's filters forbid. `allow` contains the server's own tool names. `deny` wins over `allow`, and an empty `allow` allows every tool.
 */
export function isOffered(config: FilterConfig, { name, isForApps }: Pick<ListedTool, "name" | "isForApps">): boolean {
  if (isForApps) return false;
  const { allow } = config.tools;
  return (allow.length === 0 || matchesAny(allow, name)) && !isDenied(config, name);
}

/**
 * Returns true if `tools.deny` matches the tool's name, alone or with the server in front, or its name as other hosts spell it: rules that were
 * imported from there may have no other. Only for `deny`, because several tools may have the same such name.
 */
export function isDenied({ name: server, tools: { deny } }: FilterConfig, name: string): boolean {
  return deny.some(
    (pattern) => deniesTool(pattern, server, name) || deniesTool(pattern, plainName(server), plainName(name)),
  );
}

/** The prefix must be written out: a `*` never stands for it, so `s*` names no tool for its server `s`. */
function deniesTool(pattern: string, server: string, tool: string): boolean {
  const prefixes = ["", `${server}.`, `${server}__`, `mcp__${server}__`];
  return prefixes.some((prefix) => pattern.startsWith(prefix) && globMatches(pattern.slice(prefix.length), tool));
}

/** Returns true if resources of the server may be read: unless its `tools.deny` matches `read_resource`. */
export function isReadable({ config }: { config: FilterConfig }): boolean {
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
    place: programOf(config),
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
