/** Patterns that name tools and their calls: `server.tool`, `server.*@readonly`, `files__write(path=/tmp/*, mode=new)`. */

import type { NamedTool, ToolAnnotations } from "../ports.js";
import { type ArgumentPattern, readArgumentPatterns } from "./argument-pattern.js";
import { globMatches } from "./glob.js";
import { endsWithHash, modelName } from "./model-name.js";

export interface ToolPattern {
  text: string;
  /** Globs for the tool's name; one of them must match. */
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

/** The prefix that other hosts put before the names of tools and servers. */
const hostPrefix = "mcp__";

const shape = /^([^@()]*)((?:@[^@()]*)*)(?:\((.*)\))?$/s;

/**
 * Parses `name[@annotation…][(argument=value, …)]`. Without a name, the pattern matches any tool that has these annotations. Returns a
 * problem if the pattern is invalid, because an invalid pattern would match nothing and nobody would notice.
 */
export function parseToolPattern(text: string): ToolPattern | { problem: string } {
  const [match, name = "", marks = "", inner] = shape.exec(text.trim()) ?? [];
  // An empty shell variable (`--allow "$TOOLS"`) must not allow every tool.
  if (!match || (name === "" && marks === "") || name === hostPrefix)
    return { problem: "expected server.tool, server.tool(argument=value) or @annotation" };
  const names = namesIn(name);
  if ("problem" in names) return names;
  const words = marks.split("@").slice(1);
  const unknown = words.find((word) => !Object.hasOwn(annotations, word.toLowerCase()));
  if (unknown !== undefined) {
    return { problem: `"@${unknown}" is not an annotation: use @${Object.keys(annotations).join(", @")}` };
  }
  const given = inner === undefined ? [] : readArgumentPatterns(inner);
  if ("problem" in given) return given;
  return {
    text,
    names,
    annotations: words.flatMap((word) => annotations[word.toLowerCase()] ?? []),
    arguments: given,
  };
}

/**
 * Returns the globs for a written name. The prefix `mcp__`, which other hosts use, is optional; `mcp__server` is all tools of the server.
 * Returns a problem for a name without a server, because no tool has such a name.
 */
function namesIn(written: string): string[] | { problem: string } {
  if (written === "") return ["*"];
  const name = written.startsWith(hostPrefix) ? written.slice(hostPrefix.length) : written;
  if (canNameTool(name)) return [...new Set([written, name])];
  if (name !== written) return [written, `${name}.*`];
  const [, server, tool] = /^([^/:]+)[/:]([^/:]+)$/.exec(name) ?? [];
  const meant = server
    ? `${server}.${tool}`
    : `${name}.* for every tool of the server ${name}, or *.${name} for any server`;
  return { problem: `no tool is called "${name}": write ${meant}` };
}

/** True if the glob has room for a server and a tool. */
function canNameTool(glob: string): boolean {
  return /\*|.(?:\.|__)/s.test(glob);
}

/**
 * True if the pattern names this tool, whatever its arguments. What stands before a separator must match the whole name of the server:
 * `s.*` does not name the tools of a server that is called `s.other`.
 */
export function namesTool(pattern: ToolPattern, tool: NamedTool): boolean {
  return matches(pattern, tool, globNames);
}

/**
 * True if the pattern may mean this tool: it matches the tool's name as a text, as the model sees it, or as other hosts spell it, with `_` for
 * each character that is not a letter, a digit, `_` or `-`; or it is `mcp__` with the whole name of the server. Only for rules that forbid,
 * because several tools may have the same such name.
 */
export function mayMeanTool(pattern: ToolPattern, tool: NamedTool): boolean {
  const server = plainName(tool.server);
  const name = plainName(tool.tool);
  const isSpelledOtherwise = server !== tool.server || name !== tool.tool;
  return (
    matches(pattern, tool, (...names) => globMayMean(...names) || globMatchesHash(...names)) ||
    (isSpelledOtherwise && matches(pattern, { ...tool, server, tool: name }, globMayMean))
  );
}

type NameMatch = (glob: string, server: string, tool: string) => boolean;

function matches(pattern: ToolPattern, tool: NamedTool, isMatch: NameMatch): boolean {
  const { server, tool: name, hostTool } = tool;
  return (
    pattern.names.some((glob) => isMatch(glob, server, name) || (hostTool && isMatch(glob, "host", hostTool))) &&
    pattern.annotations.every((annotation) => tool[annotation])
  );
}

function globMatchesName(glob: string, server: string, tool: string): boolean {
  return globMatches(glob, `${server}.${tool}`) || globMatches(glob, `${server}__${tool}`);
}

function globMayMean(glob: string, server: string, tool: string): boolean {
  if (globMatchesName(glob, server, tool)) return true;
  // The prefix must be written: the star of `*__search` or `m*` does not stand for it.
  return glob.startsWith(hostPrefix) && globMatches(glob.slice(hostPrefix.length), server);
}

/** Returns true if the glob matches the name that the model sees, and that name ends in a hash. All others are `server__tool`. */
function globMatchesHash(glob: string, server: string, tool: string): boolean {
  return endsWithHash.test(glob) && globMatches(glob, modelName(server, tool));
}

/** Tries each separator in the glob, since names may contain separators. A glob without a separator is compared with the whole name. */
function globNames(glob: string, server: string, tool: string): boolean {
  if (!/\.|__/.test(glob)) return globMatchesName(glob, server, tool);
  for (const { index, 1: separator = "" } of glob.matchAll(/(?=(\.|__))/g)) {
    const end = index + separator.length;
    if (globMatches(glob.slice(0, index), server) && globMatches(glob.slice(end), tool)) return true;
  }
  return false;
}

/** Returns the name of a server or a tool as other hosts spell it. */
export function plainName(name: string): string {
  return name.replaceAll(/[^\w-]/g, "_");
}

/** True if the pattern can name a tool of this server. */
export function canNameToolOf(pattern: ToolPattern, server: string): boolean {
  return pattern.names.some((glob) =>
    [`${server}.`, `${server}__`].some((start) => {
      const fixed = glob.split("*", 1)[0] ?? "";
      return fixed.startsWith(start) || (fixed !== glob && start.startsWith(fixed));
    }),
  );
}

/** True if the pattern may mean a tool of this server. Only for rules that forbid, as `mayMeanTool`. */
export function mayMeanToolOf(pattern: ToolPattern, server: string): boolean {
  return [server, plainName(server)].some(
    (name) => canNameToolOf(pattern, name) || pattern.names.includes(`${hostPrefix}${name}`),
  );
}

/** Returns a pattern that names this tool. Characters that have a meaning in patterns are replaced by `*`. */
export function patternOf({ server, tool }: { server: string; tool: string }): string {
  return `${server}__${tool}`.replaceAll(/[@()]/g, "*");
}
