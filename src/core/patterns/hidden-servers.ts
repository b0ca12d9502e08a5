/** Applies rules about tools to what a server offers besides tools: resources, prompts and instructions. */

import type { NamedTool } from "../ports.js";

/** Annotations of a read of a resource whose address its server has named. */
export const readAnnotations = { readOnly: true, idempotent: true, destructive: false, openWorld: true };

/** Name of the tool that a read of a resource counts as: `SERVER.read_resource`. */
export const readTool = "read_resource";

/** Describes a read of this server's resources as a tool, so that rules can be applied to the read. */
export function readOf(server: string): NamedTool {
  return { server, tool: readTool, hostTool: readTool, ...readAnnotations };
}

/**
 * Returns true if rules hide the whole server: all its tools or, if it has no tool among `tools`, every read of its resources. The prompts
 * and instructions of such a server are hidden too.
 */
export function isServerHidden(
  server: string,
  tools: readonly NamedTool[],
  isHidden: (tool: NamedTool) => boolean,
): boolean {
  const own = tools.filter((tool) => tool.server === server);
  return own.length > 0 ? own.every(isHidden) : isHidden(readOf(server));
}
