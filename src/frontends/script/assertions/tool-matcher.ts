import { namesTool, parseToolPattern } from "../../../core/tool-pattern.js";
import { isMapping } from "../../../core/tree.js";
import type { CalledTool } from "../result.js";
import type { Problem } from "./kind.js";
import { isTemplate, quoted, shown } from "./words.js";

export interface ToolMatcher {
  /** Pattern as written. */
  text: string;
  matches(call: CalledTool): boolean;
}

const unknown = { readOnly: false, idempotent: false, destructive: false, openWorld: false };

/** Reads `server.tool`, with `*` for any part, from a text or from an object's `name` or `pattern`. */
export function readMatcher(value: unknown): ToolMatcher | Problem {
  const text = isMapping(value) ? (value.pattern ?? value.name) : value;
  if (typeof text !== "string" || text.trim() === "")
    return { problem: `expected the name of a tool, got ${shown(value)}` };
  const pattern = parseToolPattern(text);
  if ("problem" in pattern) return { problem: `${quoted(text)}: ${pattern.problem}` };
  if (pattern.annotations.length > 0 || pattern.arguments.length > 0) {
    return { problem: `${quoted(text)}: expected the name of a tool alone, as server.tool` };
  }
  // It would match nothing, so `not-` would always hold.
  if (!/[.*]|__/.test(text) && !isTemplate(text)) {
    return { problem: `${quoted(text)} does not name the server: expected server.tool, or *.${text} for any server` };
  }
  return { text, matches: (call) => namesTool(pattern, { ...unknown, server: call.server, tool: call.tool }) };
}

/** Requires at least one value. */
export function readMatchers(values: readonly unknown[]): ToolMatcher[] | Problem {
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

/** Leaves out denied calls, which never ran; `denied` checks those. */
export function madeCalls(calls: readonly CalledTool[]): CalledTool[] {
  return calls.filter(({ isDenied }) => !isDenied);
}
