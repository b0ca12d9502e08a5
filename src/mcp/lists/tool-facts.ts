import type { ServerConfig } from "../../core/config.js";
import { globMatches } from "../../core/patterns/glob.js";
import { readTool } from "../../core/patterns/hidden-servers.js";
import { plainName } from "../../core/patterns/tool-pattern.js";
import type { ToolAnnotations, ToolFacts } from "../../core/ports.js";
import type { ListedTool } from "./listed.js";
import { programOf } from "./manifest-place.js";

/** The lists of names in `mcpServers.*.tools`. */
type FilterConfig = Pick<ServerConfig, "name" | "tools">;

/**
 * Returns true if the model may see the tool. Returns false for a tool that is only for the server's own pages, and for a tool that the
 * user's filters forbid. `deny` wins over `allow`, and an empty `allow` allows every tool.
 */
export function isOffered(config: FilterConfig, { name, isForApps }: Pick<ListedTool, "name" | "isForApps">): boolean {
  if (isForApps) return false;
  const { allow } = config.tools;
  return (allow.length === 0 || isInToolList(allow, config, name)) && !isDenied(config, name);
}

/** Returns true if `tools.deny` matches the tool's name, or its name as other hosts spell it: rules that were imported from there may have no other. */
export function isDenied(config: FilterConfig, name: string): boolean {
  const { deny } = config.tools;
  return isInToolList(deny, config, name) || isInToolList(deny, { name: plainName(config.name) }, plainName(name));
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
    ...programOf(config),
    ...annotationsOf(config, tool),
    autoApproved: isInToolList(config.tools.autoApprove, config, tool.name),
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

/**
 * Returns true if a pattern names this tool of the server: by the tool's name, or with the server's name in front, as in `permissions`. The
 * server's name must be written: the star of `s*` stands for no server.
 */
export function isInToolList(
  patterns: readonly string[],
  { name: server }: Pick<ServerConfig, "name">,
  tool: string,
): boolean {
  const before = ["", `${server}.`, `${server}__`, `mcp__${server}__`];
  return patterns.some((pattern) =>
    before.some((start) => pattern.startsWith(start) && globMatches(pattern.slice(start.length), tool)),
  );
}
