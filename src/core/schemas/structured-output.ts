/** Reads and checks answers that must be JSON of a certain shape. For schemas that are not the user's own, see `caller-schemas.ts`. */

import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { Ajv2019 } from "ajv/dist/2019.js";
import { Ajv2020 } from "ajv/dist/2020.js";
import { withinTime } from "../async/within-time.js";
import { messageOf, RequestError } from "../errors.js";
import { parseJson } from "../json.js";
import type { JsonSchema } from "../messages.js";

const maxProblems = 5;
/** Time limit of one check, in ms. A pattern in a schema may backtrack forever on a model's text. */
const longestCheckMs = 500;
/** Time limit for compiling a schema, in ms. A caller's schema may have tens of thousands of parts: 20,000 properties took 10 s. */
const longestCompileMs = 2_000;

export type StructuredAnswer = { value: unknown } | { problem: string };

type SchemaCheck = { validate: ValidateFunction } | { problem: string };

const compiled = new WeakMap<JsonSchema, SchemaCheck>();

/**
 * Reads the JSON of an answer, which is either the whole text or its only fenced block. If there is a schema, checks the value against it.
 */
export function readStructured(text: string, schema?: JsonSchema): StructuredAnswer {
  const read = parse(text.trim()) ?? parseFenced(text);
  if ("problem" in read || schema === undefined) return read;
  try {
    const problem = problemBySchema(read.value, schema);
    return problem === undefined ? read : { problem };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

/**
 * Returns why a schema cannot be used, or undefined if the schema can be used. A `$ref` to another document makes it unusable, because no
 * documents are loaded.
 */
export function schemaProblem(schema: JsonSchema): string | undefined {
  const check = checkOf(schema);
  return "problem" in check ? check.problem : undefined;
}

/**
 * Returns how the value violates the schema, as a sentence, or undefined if it is valid. Throws RequestError if the schema is unusable or
 * the check times out. After a timeout, no further value is checked against this schema.
 */
export function problemBySchema(value: unknown, schema: JsonSchema): string | undefined {
  const check = checkOf(schema);
  if ("problem" in check) throw new RequestError("usage", check.problem);
  try {
    return violationWithin(check.validate, value);
  } catch (error) {
    compiled.set(schema, { problem: messageOf(error) });
    throw error;
  }
}

/** Returns how the value fails the check, as a sentence, or undefined if it passes. Throws RequestError on a timeout. */
export function violationWithin(validate: ValidateFunction, value: unknown): string | undefined {
  const checked = withinTime(longestCheckMs, () => Boolean(validate(value)));
  if (!checked) {
    throw new RequestError("usage", `checking the value by the schema took longer than ${longestCheckMs} ms`);
  }
  if (checked.result) return undefined;
  const problems = [...new Set((validate.errors ?? []).map(describe))];
  const more = problems.length > maxProblems ? `; and ${problems.length - maxProblems} more` : "";
  return `${problems.slice(0, maxProblems).join("; ")}${more}`;
}

function parse(text: string): { value: unknown } | undefined {
  const value = parseJson(text);
  return value === undefined ? undefined : { value };
}

function parseFenced(text: string): StructuredAnswer {
  const blocks = fencedBlocks(text);
  if (blocks.length > 1) return { problem: `expected JSON, got text with ${blocks.length} fenced blocks` };
  const [block] = blocks;
  if (block === undefined)
    return { problem: text.trim() === "" ? "expected JSON, got no text" : "expected JSON, got text" };
  return parse(block) ?? { problem: "expected JSON in the fenced block, got text" };
}

function fencedBlocks(text: string): string[] {
  const blocks: string[] = [];
  let open: string[] | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (!/^ {0,3}```/.test(line)) open?.push(line);
    else if (open === undefined) open = [];
    else {
      blocks.push(open.join("\n"));
      open = undefined;
    }
  }
  return blocks;
}

function checkOf(schema: JsonSchema): SchemaCheck {
  const known = compiled.get(schema);
  if (known) return known;
  const check = compile(schema);
  compiled.set(schema, check);
  return check;
}

/**
 * Compiles the schema. Each schema gets a new Ajv, since two schemas may have the same `$id`. The schema is read as JSON Schema 2020-12,
 * unless it names another version.
 */
function compile(schema: JsonSchema): SchemaCheck {
  const Dialect = dialectOf(schema);
  try {
    const options = { strict: false, validateFormats: false, allErrors: true, logger: false } as const;
    const made = withinTime(longestCompileMs, () => new Dialect(options).compile(schema));
    if (!made) return { problem: `the schema is too large: compiling it took longer than ${longestCompileMs} ms` };
    const validate = made.result;
    if ("$async" in validate) return { problem: "the schema must not be $async" };
    return { validate };
  } catch (error) {
    return { problem: `the schema cannot be used: ${messageOf(error)}` };
  }
}

function dialectOf({ $schema }: JsonSchema) {
  if (/draft-0\d/.test(String($schema))) return Ajv;
  return /draft\/2019-09/.test(String($schema)) ? Ajv2019 : Ajv2020;
}

function describe({ keyword, instancePath, params, message }: ErrorObject): string {
  const subject = `$${instancePath.replaceAll("/", ".")}`;
  if (keyword === "required") return `${subject} must have ${JSON.stringify(params.missingProperty)}`;
  if (keyword === "additionalProperties" || keyword === "unevaluatedProperties") {
    return `${subject} must not have ${JSON.stringify(params.additionalProperty ?? params.unevaluatedProperty)}`;
  }
  if (keyword === "enum") return `${subject} must be one of ${JSON.stringify(params.allowedValues)}`;
  if (keyword === "const") return `${subject} must be ${JSON.stringify(params.allowedValue)}`;
  return `${subject} ${message}`;
}
