/** Translates rules about tools, as Claude Code spells them, into patterns of this host. */
import { globMatches } from "../../core/patterns/glob.js";
import { readTool } from "../../core/patterns/hidden-servers.js";
import { parseToolPattern } from "../../core/patterns/tool-pattern.js";

export interface ToolRules {
  patterns: string[];
  /** Rules that mean MCP tools in Claude Code, but that no pattern of this host can express. They are as the program wrote them. */
  untranslated: string[];
}

/** Claude Code's built-in tools that read and list resources of MCP servers. The host's own tool takes their place. */
const resourceTools = ["ReadMcpResourceTool", "ReadMcpResourceDirTool", "ListMcpResourcesTool"];

/**
 * Translates lists of rules that are separated by commas or spaces. Leaves out rules that can only mean Claude Code's built-in tools, because
 * this host does not have these tools. Only a rule that forbids one for resources forbids the host's own tool.
 */
export function readToolRules(lists: readonly string[], purpose: "allow" | "forbid"): ToolRules {
  const rules = lists.flatMap(separated).flatMap((rule) => {
    if (canMeanMcpTool(rule)) return [rule];
    return purpose === "forbid" && canMeanResourceTool(rule) ? [`host.${readTool}`] : [];
  });
  const isTranslated = (rule: string) =>
    !("problem" in parseToolPattern(rule)) && (namesServer(rule) || (purpose === "forbid" && hasSameMeaning(rule)));
  return {
    patterns: rules.filter((rule) => isTranslated(rule)),
    untranslated: rules.filter((rule) => !isTranslated(rule)),
  };
}

/**
 * Returns patterns of what a program forbids by a list of the built-in tools that it wants: without tools for resources, the model may not
 * read resources.
 */
export function forbiddenBesides(builtIn: readonly string[] | undefined): string[] {
  const wanted = builtIn?.flatMap(separated);
  if (!wanted || wanted.some((name) => name === "default" || resourceTools.includes(name))) return [];
  return [`host.${readTool}`];
}

/** Splits a list at its commas and spaces. Those in parentheses belong to a rule: `Bash(git log:*), mcp__s`. */
function separated(list: string): string[] {
  return list.match(/(?:[^\s,(]|\([^)]*\)?)+/g) ?? [];
}

/** In Claude Code, the names of MCP tools begin with `mcp__`. Names such as `server__tool` and `server.tool` are those of this host. */
function canMeanMcpTool(rule: string): boolean {
  const name = nameIn(rule);
  const start = beforeStar(name);
  return /__|\./.test(start) || (start !== name && "mcp__".startsWith(start));
}

function canMeanResourceTool(rule: string): boolean {
  return resourceTools.some((name) => globMatches(nameIn(rule), name));
}

/** True if no `*` stands for the name of the server. In Claude Code, a rule that allows must name its server. */
function namesServer(rule: string): boolean {
  const name = nameIn(rule).replace(/^mcp__/, "");
  return !name.includes("*") || /.(?:__|\.)/.test(beforeStar(name));
}

/** True for globs that match the same tools here, where names do not begin with `mcp__`. */
function hasSameMeaning(rule: string): boolean {
  return rule === "*" || rule.startsWith("mcp__");
}

function nameIn(rule: string): string {
  return rule.split("(", 1)[0] ?? "";
}

function beforeStar(name: string): string {
  return name.split("*", 1)[0] ?? "";
}
