/** Patterns that name tools and their calls: `server.tool`, `server.*@readonly`, `files__write(path=/tmp/*, mode=new)`. */

import type { NamedTool, ToolAnnotations } from "../ports.js";
import { type ArgumentPattern, readArgumentPatterns } from "./argument-pattern.js";
import { globMatches } from "./glob.js";

export interface ToolPattern {
  text: string;
  /** Spellings of the tool's name; one of them must match. The prefix `mcp__`, which other hosts use, is optional. */
  names: readonly string[];
  /** Annotations. The tool must have all of them. */
  annotations: readonly (keyof ToolAnnotations)[];
  /** Patterns for arguments; all of them must match. If there are none, every call of the tool matches. */
  arguments: readonly ArgumentPattern[];
}

const annotations: Readonly<Record<string, keyof ToolAnnotations>> = {
  readonly: "readOnly",
  idempotent: "idempotent",
  destructive: "destructive",
  openworld: "openWorld",
};

const shape = /^([^@()]*)((?:@[^@()]*)*)(?:\((.*)\))?$/s;

/**
 * Parses `name[@annotation…][(argument=value, …)]`. Without a name, the pattern matches any tool that has these annotations. Returns a
 * problem if the pattern is invalid, because an invalid pattern would match nothing and nobody would notice.
 */
export function parseToolPattern(text: string): ToolPattern | { problem: string } {
  const [match, name = "", marks = "", inner] = shape.exec(text.trim()) ?? [];
  // An empty shell variable (`--allow "$TOOLS"`) must not allow every tool.
  if (!match || (name === "" && marks === "") || name === "mcp__")
    return { problem: "expected server.tool, server.tool(argument=value) or @annotation" };
  const words = marks.split("@").slice(1);
  const unknown = words.find((word) => !Object.hasOwn(annotations, word.toLowerCase()));
  if (unknown !== undefined) {
    return { problem: `"@${unknown}" is no annotation: use @${Object.keys(annotations).join(", @")}` };
  }
  const given = inner === undefined ? [] : readArgumentPatterns(inner);
  if ("problem" in given) return given;
  return {
    text,
    names: name === "" ? ["*"] : [...new Set([name, name.replace(/^mcp__/, "")])],
    annotations: words.flatMap((word) => annotations[word.toLowerCase()] ?? []),
    arguments: given,
  };
}

/** True if the pattern names this tool, whatever its arguments. */
export function namesTool(pattern: ToolPattern, tool: NamedTool): boolean {
  const names = [`${tool.server}__${tool.tool}`, `${tool.server}.${tool.tool}`];
  if (tool.hostTool) names.push(`host__${tool.hostTool}`, `host.${tool.hostTool}`);
  return (
    pattern.names.some((glob) => names.some((name) => globMatches(glob, name))) &&
    pattern.annotations.every((annotation) => tool[annotation])
  );
}

/** Returns a pattern that names this tool. Characters that have a meaning in patterns are replaced by `*`. */
export function patternOf({ server, tool }: { server: string; tool: string }): string {
  return `${server}__${tool}`.replaceAll(/[@()]/g, "*");
}
