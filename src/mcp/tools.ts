import { createHash } from "node:crypto";
import type { ServerConfig } from "../core/config.js";
import { globMatches } from "../core/glob.js";
import type { ToolAnnotations, ToolFacts } from "../core/ports.js";
import type { ListedTool } from "./listed.js";
import { programOf } from "./place.js";

const maxLength = 64;
const hashLength = 10;
const hashed = new RegExp(`_[0-9a-f]{${hashLength}}$`);

/**
 * `server__item` within `^[a-zA-Z0-9_-]{1,64}$`. Depends on the pair alone, so a name never changes because another server
 * came or went. Two pairs never share a name: what is not unmistakably plain carries a hash of the pair, and a plain name
 * that looks hashed is hashed too.
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

/** Whether the first `__` of `server__item` is ours, whatever the item is called. */
function splitsBack(server: string): boolean {
  return server !== "" && !server.includes("__") && !server.endsWith("_");
}

/** What is for the model, by the user's filter on a server's own tool names; `deny` wins, an empty `allow` allows all. */
export function isOffered(
  { tools }: ServerConfig,
  { name, isForApps }: Pick<ListedTool, "name" | "isForApps">,
): boolean {
  if (isForApps) return false;
  return (tools.allow.length === 0 || matchesAny(tools.allow, name)) && !isDenied({ tools }, name);
}

/** Whether `tools.deny` matches what the model may do at the server, by this name. */
export function isDenied({ tools }: Pick<ServerConfig, "tools">, name: string): boolean {
  return matchesAny(tools.deny, name);
}

/** The longest silence of a call: by the first of the user's patterns that the tool matches, else the server's. */
export function timeoutOf({ tools, timeoutMs }: ServerConfig, tool: string): number {
  return Object.entries(tools.timeoutsMs).find(([pattern]) => globMatches(pattern, tool))?.[1] ?? timeoutMs;
}

/** What the policy goes by of a listed tool. */
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

/** A tool that is not read-only is destructive, and any tool open to the world, unless its server says otherwise (spec 2025-11-25). */
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
