import { isPlainObject } from "../../core/json.js";
import { namesTool, parseToolPattern } from "../../core/patterns/tool-pattern.js";
import type { CalledTool } from "../shared/script-result.js";
import type { AssertionProblem } from "./kind.js";
import { containsTemplate, quoted, shown } from "./words.js";

export interface ToolMatcher {
  /** The pattern as it is written in the script. */
  text: string;
  matches(call: CalledTool): boolean;
}

const unknown = { readOnly: false, idempotent: false, destructive: false, openWorld: false };

/**
 * Reads the pattern of a tool: `server.tool`, with `*` for any part. The value is a text, or an object with the text as `name` or
 * `pattern`. A text with templates cannot be checked yet, and its matcher matches no call.
 */
export function readMatcher(value: unknown): ToolMatcher | AssertionProblem {
  const text = isPlainObject(value) ? (value.pattern ?? value.name) : value;
  if (typeof text !== "string" || text.trim() === "")
    return { problem: `expected the name of a tool, got ${shown(value)}` };
  if (containsTemplate(text)) return { text, matches: () => false };
  const pattern = parseToolPattern(text);
  if ("problem" in pattern) return { problem: `${quoted(text)}: ${pattern.problem}` };
  if (pattern.annotations.length > 0 || pattern.arguments.length > 0) {
    return { problem: `${quoted(text)}: expected only the name of a tool, as server.tool` };
  }
  return { text, matches: (call) => namesTool(pattern, { ...unknown, server: call.server, tool: call.tool }) };
}

/** Reads one or more patterns of tools. */
export function readMatchers(values: readonly unknown[]): ToolMatcher[] | AssertionProblem {
  if (values.length === 0) return { problem: "expected at least one tool" };
  const matchers: ToolMatcher[] = [];
  for (const value of values) {
    const matcher = readMatcher(value);
    if ("problem" in matcher) return matcher;
    matchers.push(matcher);
  }
  return matchers;
}

export function nameOf({ server, tool }: CalledTool): string {
  return `${server}.${tool}`;
}

/** Returns the calls that ran. Denied calls are left out: they did not run, and the assertion `denied` is about them. */
export function madeCalls(calls: readonly CalledTool[]): CalledTool[] {
  return calls.filter(({ isDenied }) => !isDenied);
}
