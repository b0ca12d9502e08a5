/** Assertions about JSON in the output. */
import { isMapping } from "../../../core/tree.js";
import type { StepOutcome } from "../result.js";
import { problemBySchema, schemaProblem } from "../structured-output.js";
import type { Kind, Problem } from "./kind.js";
import { quoted, shown } from "./words.js";

export const jsonKinds = { "is-json": isJson, "contains-json": containsJson } satisfies Record<string, Kind>;

/** The output as JSON: a tool's structured content, or the whole text. */
export function jsonOf({ json, output }: StepOutcome): { value: unknown } | undefined {
  if (json !== undefined) return { value: json };
  try {
    return { value: JSON.parse(output) };
  } catch {
    return undefined;
  }
}

function isJson({ value: schema }: { value?: unknown }): ReturnType<Kind> {
  const wrong = schemaValueProblem(schema);
  if (wrong) return wrong;
  return (outcome) => {
    const json = jsonOf(outcome);
    const problem = json && isMapping(schema) ? problemBySchema(json.value, schema) : undefined;
    return {
      holds: json !== undefined && problem === undefined,
      subject: "the output",
      predicate: isMapping(schema) ? "to be JSON as the schema says" : "to be JSON",
      found: problem ?? `it is ${json ? shown(json.value) : quoted(outcome.output)}`,
    };
  };
}

function containsJson({ value: schema }: { value?: unknown }): ReturnType<Kind> {
  const wrong = schemaValueProblem(schema);
  if (wrong) return wrong;
  return ({ output }) => {
    const found = jsonWithin(output);
    if ("problem" in found) return found;
    const problems = found.map((value) => (isMapping(schema) ? problemBySchema(value, schema) : undefined));
    return {
      holds: problems.includes(undefined),
      subject: "the output",
      predicate: isMapping(schema) ? "to contain JSON as the schema says" : "to contain JSON",
      found: problems.find((problem) => problem !== undefined) ?? `it is ${quoted(output)}`,
    };
  };
}

function schemaValueProblem(schema: unknown): Problem | undefined {
  if (schema === undefined) return undefined;
  const problem = isMapping(schema)
    ? schemaProblem(schema)
    : `expected value to be a JSON Schema, got ${shown(schema)}`;
  return problem === undefined ? undefined : { problem };
}

/** Characters looked at for where brackets close: more are a text that somebody wrote to keep the host busy. */
const maxLooks = 20_000_000;

/** Every object and list in a text that is not within another one. */
function jsonWithin(text: string): unknown[] | Problem {
  const values: unknown[] = [];
  let looks = maxLooks;
  for (let start = text.search(/[[{]/); start >= 0 && start < text.length; start++) {
    if (text[start] !== "{" && text[start] !== "[") continue;
    const end = closeOf(text, start);
    looks -= end - start;
    if (looks < 0) return { problem: "the output has too many brackets to find JSON in it" };
    try {
      values.push(JSON.parse(text.slice(start, end)));
      start = end - 1;
    } catch {
      // A bracket of the prose: what is within may still be JSON.
    }
  }
  return values;
}

/** Behind the bracket that closes this one, or the end of the text. */
function closeOf(text: string, start: number): number {
  let depth = 0;
  let isInText = false;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (isInText) {
      if (char === "\\") at++;
      else if (char === '"') isInText = false;
    } else if (char === '"') isInText = true;
    else if (char === "{" || char === "[") depth++;
    else if ((char === "}" || char === "]") && --depth === 0) return at + 1;
  }
  return text.length;
}
