import { load } from "js-yaml";
import { parseJson } from "../../core/json.js";
import type { StepOutcome } from "../shared/script-result.js";
import { readSchemaValue } from "./json-schema.js";
import type { AssertionProblem, Kind } from "./kind.js";
import { quoted, shown } from "./words.js";

export const jsonKinds = { "is-json": isJson, "contains-json": containsJson } satisfies Record<string, Kind>;

/** Returns the output as JSON: the structured content of a tool, or else the whole text. Undefined if the text is not JSON. */
export function outputJson({ json, output }: StepOutcome): { value: unknown } | undefined {
  const value = json === undefined ? parseJson(output) : json;
  return value === undefined ? undefined : { value };
}

function isJson({ value }: { value?: unknown }): ReturnType<Kind> {
  const schema = readSchemaValue(value);
  if ("problem" in schema) return schema;
  return (outcome) => {
    const json = outputJson(outcome);
    const problem = json && schema.violation(json.value);
    return {
      holds: json !== undefined && problem === undefined,
      subject: "the output",
      predicate: schema.isGiven ? "to be JSON that fits the schema" : "to be JSON",
      found: problem ?? `it is ${json ? shown(json.value) : quoted(outcome.output)}`,
    };
  };
}

function containsJson({ value }: { value?: unknown }): ReturnType<Kind> {
  const schema = readSchemaValue(value);
  if ("problem" in schema) return schema;
  return ({ output }) => {
    const found = objectsWithin(output);
    if ("problem" in found) return found;
    const problems = found.map(schema.violation);
    return {
      holds: problems.includes(undefined),
      subject: "the output",
      predicate: schema.isGiven ? "to contain a JSON object that fits the schema" : "to contain a JSON object",
      found: problems.find((problem) => problem !== undefined) ?? `it is ${quoted(output)}`,
    };
  };
}

/**
 * Maximum number of characters that are read in total while searching for closing braces. Only a text that is made to keep the host busy
 * needs more.
 */
const maxLooks = 20_000_000;

/**
 * Returns all outermost objects in a text, including objects that are items of a list. Like promptfoo, accepts JSON with the mistakes that
 * models make: unquoted names, comments, an extra comma, missing braces at the end.
 */
function objectsWithin(text: string): unknown[] | AssertionProblem {
  const objects: unknown[] = [];
  let looks = maxLooks;
  for (let start = text.indexOf("{"); start >= 0; start = text.indexOf("{", start)) {
    const { end, open } = closeOf(text, start);
    looks -= end - start;
    if (looks < 0) return { problem: "the output has too many braces to find JSON in it" };
    const isLast = start === text.length - 1;
    const object = isLast ? undefined : objectOf(text.slice(start, end) + "}".repeat(open));
    if (object) objects.push(object);
    start = object ? end : start + 1;
  }
  return objects;
}

/**
 * Returns the position after the brace that closes the object. If no brace closes it, returns the end of the text and the number of missing
 * braces.
 */
function closeOf(text: string, start: number): { end: number; open: number } {
  let depth = 0;
  let isInText = false;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (isInText) {
      if (char === "\\") at++;
      else if (char === '"') isInText = false;
    } else if (char === '"') isInText = true;
    else if (char === "{") depth++;
    else if (char === "}" && --depth === 0) return { end: at + 1, open: 0 };
  }
  return { end: text.length, open: depth };
}

const comments = /("(?:[^"\\]|\\.)*")|(?<=^|\s)\/\/[^\n]*/g;

function objectOf(text: string): object | undefined {
  try {
    return JSON.parse(text);
  } catch {
    // The text is not strict JSON, but it may be JSON with the mistakes that models make.
  }
  try {
    const value = load(text.replaceAll(comments, (_, quotation = "") => quotation));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
