import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { Ajv2019 } from "ajv/dist/2019.js";
import { Ajv2020 } from "ajv/dist/2020.js";
import { withinTime } from "../../core/async/within-time.js";
import { isPlainObject, jsonProblem, parseJson, textOrEmpty } from "../../core/json.js";
import type { JsonSchema } from "../../core/messages.js";
import { duplicateKey } from "../../core/source/duplicate-keys.js";

type Check = ValidateFunction | undefined;

interface Compiled {
  check: Check;
  /**
   * Length of the schema's JSON, in characters. Infinite if the schema has a keyword of `endless`, so that a check may visit a part of a
   * value several times.
   */
  length: number;
}

const compiled = new WeakMap<JsonSchema, Compiled>();
const maxProblems = 10;
/** Time limit for one check. A pattern in a server's schema may backtrack for ever, which would block the whole host. */
const longestCheckMs = 500;
/** Keywords with which the time for a check may grow faster than linearly with the schema and the value. */
const endless = /"(pattern|patternProperties|uniqueItems|\$ref|\$dynamicRef|\$recursiveRef)"/;
/**
 * Limit for checks without a time limit: the length of the schema times the length of the value, in characters. Such a check takes some ten
 * milliseconds at the very worst.
 */
const mostUnwatched = 10_000_000;

/** Returns the arguments to send to the server, or a problem in words that tell the model what to correct. */
export function readArguments(
  text: string,
  schema: JsonSchema,
): { value: Record<string, unknown> } | { problem: string } {
  const given = text.trim() === "" ? {} : parseJson(text);
  if (given === undefined) return { problem: `the arguments are not valid JSON: ${jsonProblem(text)}` };
  if (!isPlainObject(given)) return { problem: "the arguments are not a JSON object" };
  const twice = duplicateKey(text);
  if (twice !== undefined) return { problem: `the arguments have the key ${JSON.stringify(twice)} twice` };
  const problem = problemIn(given, schema, text.length);
  if (problem === undefined) return { value: given };
  const meant = withoutNulls(given, schema);
  return problemIn(meant, schema) === undefined ? { value: meant } : { problem };
}

/** Returns the arguments without nulls, except required ones. Models write null for an optional argument that they mean to leave out. */
function withoutNulls(args: Record<string, unknown>, { required }: JsonSchema): Record<string, unknown> {
  const isRequired = (name: string) => Array.isArray(required) && required.includes(name);
  return Object.fromEntries(Object.entries(args).filter(([name, value]) => value !== null || isRequired(name)));
}

/**
 * Returns how the value violates the schema, in words that tell a model what to correct; undefined if the value is valid. `chars` is the
 * length of the value's JSON, if known.
 */
export function problemIn(value: unknown, schema: JsonSchema, chars?: number): string | undefined {
  const { check, length } = compiledOf(schema);
  if (!check || passes(check, { value, chars }, schema, length)) return undefined;
  const problems = [...new Set((check.errors ?? []).map(describe))];
  const more = problems.length > maxProblems ? `; and ${problems.length - maxProblems} more` : "";
  return `${problems.slice(0, maxProblems).join("; ")}${more}`;
}

/**
 * Returns true if the value is valid. Also returns true if the check takes too long; the schema is then no longer checked here, and the
 * server has to check.
 */
function passes(
  check: ValidateFunction,
  { value, chars }: { value: unknown; chars: number | undefined },
  schema: JsonSchema,
  length: number,
): boolean {
  // A time limit needs a thread of its own, which costs more than the rest of a call. So a small check runs without a time limit.
  if (length < mostUnwatched && length * (chars ?? String(JSON.stringify(value)).length) < mostUnwatched)
    return Boolean(check(value));
  const checked = withinTime(longestCheckMs, () => Boolean(check(value)));
  if (!checked) compiled.set(schema, { check: undefined, length });
  return checked?.result ?? true;
}

export function isCheckable(schema: JsonSchema): boolean {
  return compiledOf(schema).check !== undefined;
}

function compiledOf(schema: JsonSchema): Compiled {
  const known = compiled.get(schema);
  if (known) return known;
  const text = JSON.stringify(schema);
  const fresh = { check: compile(schema), length: endless.test(text) ? Number.POSITIVE_INFINITY : text.length };
  compiled.set(schema, fresh);
  return fresh;
}

/**
 * Compiles a schema. Each schema gets a new Ajv, because two tools may use the same `$id`. Loads nothing remote. Returns undefined if the
 * schema does not compile; the server then has to check. MCP's default dialect is 2020-12 (spec 2025-11-25).
 */
function compile(schema: JsonSchema): Check {
  const Dialect = dialectOf(schema);
  try {
    const options = {
      strict: false,
      validateSchema: false,
      validateFormats: false,
      allErrors: true,
      verbose: true,
      logger: false,
    } as const;
    const check = withinTime(longestCheckMs, () => new Dialect(options).compile(schema))?.result;
    if (!check) return undefined;
    // An `$async` schema of a server would return a promise, which is always truthy and may reject unhandled.
    return "$async" in check ? undefined : check;
  } catch {
    return undefined;
  }
}

function dialectOf({ $schema }: JsonSchema) {
  if (/draft-0\d/.test(textOrEmpty($schema))) return Ajv;
  return /draft\/2019-09/.test(textOrEmpty($schema)) ? Ajv2019 : Ajv2020;
}

function describe({ keyword, instancePath, params, message, data }: ErrorObject): string {
  const place = instancePath ? `\`${instancePath.slice(1).replaceAll("/", ".")}\`` : "the arguments";
  if (keyword === "required") return `${place} must have \`${params.missingProperty}\``;
  if (keyword === "additionalProperties" || keyword === "unevaluatedProperties") {
    return `${place} must not have \`${params.additionalProperty ?? params.unevaluatedProperty}\``;
  }
  if (keyword === "enum") return `${place} must be one of ${JSON.stringify(params.allowedValues)}`;
  if (keyword === "const") return `${place} must be ${JSON.stringify(params.allowedValue)}`;
  if (keyword === "type") return `${place} ${message}, got ${shortJson(data)}`;
  return `${place} ${message}`;
}

function shortJson(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 60 ? `${json.slice(0, 60)}…` : json;
}
