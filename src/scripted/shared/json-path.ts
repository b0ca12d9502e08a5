/** Reads values by a subset of JSONPath (RFC 9535): `$.name`, `['name']`, `[0]`, `[-1]`, `.*`, `[*]`, `..name`, `..*`, `..[0]`. */
import { RequestError } from "../../core/errors.js";

interface Segment {
  selector: { name: string } | { index: number } | "any";
  /** True for `..`, which selects in the value and in all its descendants. */
  isDeep: boolean;
  /** Position in the path's text, at the end of this segment. */
  end: number;
}

const segmentShape =
  /(\.\.)?(?:(?:(?<=\.\.)|\.)(?:([\p{L}_][\p{L}\p{N}_-]*)|(\*))|\[\s*(?:(-?(?:0|[1-9]\d{0,14}))|(\*)|'((?:[^'\\]|\\.)*)'|("(?:[^"\\]|\\.)*"))\s*\])/uy;

/** Checks a path. Returns a text that says what is wrong, or undefined if the path is valid. */
export function pathProblem(path: string): string | undefined {
  const read = readSegments(path);
  return "problem" in read ? read.problem : undefined;
}

/**
 * Returns the value at the path. If the path contains `*` or `..`, returns a list of all selected values. Throws RequestError if there is
 * no value. The error message names the part of the path that exists, and describes what was found there.
 */
export function readPath(path: string, value: unknown): unknown {
  const segments = readSegments(path);
  if ("problem" in segments) throw new RequestError("usage", segments.problem);
  let found: unknown[] = [value];
  let reached = 1;
  for (const segment of segments) {
    const next = found.flatMap((one) => childrenOf(one, segment));
    if (next.length === 0 && !(segment.selector === "any" && found.some(isContainer))) {
      throw new RequestError(
        "not_found",
        `there is nothing at ${path}: ${path.slice(0, reached)} is ${shapeOf(found)}`,
      );
    }
    found = next;
    reached = segment.end;
  }
  return segments.some(({ selector, isDeep }) => isDeep || selector === "any") ? found : found[0];
}

function readSegments(path: string): Segment[] | { problem: string } {
  const problem = (at: number) => ({
    problem: `${JSON.stringify(path)} is not a path: expected ${at === 0 ? "$ at its start" : `.name, [0], ['name'] or [*], got ${JSON.stringify(path.slice(at))}`}`,
  });
  if (!path.startsWith("$")) return problem(0);
  const segments: Segment[] = [];
  for (let at = 1; at < path.length; at = segmentShape.lastIndex) {
    segmentShape.lastIndex = at;
    const match = segmentShape.exec(path);
    if (!match) return problem(at);
    const [, dots, name, , index, , single, double] = match;
    const text = name ?? unquoted(single, double);
    if (text === undefined && (single ?? double) !== undefined) return problem(at);
    const selector = text !== undefined ? { name: text } : index !== undefined ? { index: Number(index) } : "any";
    segments.push({ selector, isDeep: dots !== undefined, end: segmentShape.lastIndex });
  }
  return segments;
}

function unquoted(single: string | undefined, double: string | undefined): string | undefined {
  const inner = single?.replaceAll(/\\'|"/g, (mark) => (mark === '"' ? '\\"' : "'"));
  try {
    return inner === undefined && double === undefined ? undefined : JSON.parse(double ?? `"${inner}"`);
  } catch {
    return undefined;
  }
}

/**
 * Returns the selected children in document order. Does not use recursion, because a value may be nested more deeply than the stack allows.
 */
function childrenOf(value: unknown, { selector, isDeep }: Segment): unknown[] {
  if (!isDeep) return selected(value, selector);
  const found: unknown[] = [];
  const open = [value];
  while (open.length > 0) {
    const next = open.pop();
    for (const child of selected(next, selector)) found.push(child);
    for (const child of selected(next, "any").reverse()) open.push(child);
  }
  return found;
}

function selected(value: unknown, selector: Segment["selector"]): unknown[] {
  if (!isContainer(value)) return [];
  if (selector === "any") return Object.values(value);
  if ("name" in selector) {
    return !Array.isArray(value) && Object.hasOwn(value, selector.name) ? [value[selector.name]] : [];
  }
  if (!Array.isArray(value)) return [];
  const index = selector.index < 0 ? value.length + selector.index : selector.index;
  return index >= 0 && index < value.length ? [value[index]] : [];
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

const maxNames = 10;

/** Describes the types of values, without their content, because the content may be secret. */
function shapeOf(found: readonly unknown[]): string {
  if (found.length !== 1) return `${found.length} values`;
  const value = found[0];
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (!isContainer(value)) return value === null || value === undefined ? "nothing" : `a ${typeof value}`;
  const names = Object.keys(value);
  if (names.length === 0) return "an object without keys";
  const more = names.length > maxNames ? ` and ${names.length - maxNames} more` : "";
  return `an object with ${names
    .slice(0, maxNames)
    .map((name) => JSON.stringify(name))
    .join(", ")}${more}`;
}
