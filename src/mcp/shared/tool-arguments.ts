import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { Ajv2019 } from "ajv/dist/2019.js";
import { Ajv2020 } from "ajv/dist/2020.js";
import { withinTime } from "../../core/async/within-time.js";
import { isPlainObject, jsonProblem, parseJson, textOrEmpty } from "../../core/json.js";
import type { JsonSchema } from "../../core/messages.js";
import { isQuickCheck, schemaCost } from "../../core/schemas/schema-cost.js";
import { duplicateKey } from "../../core/source/duplicate-keys.js";

type ArgumentCheck = ValidateFunction | undefined;

interface Compiled {
  check: ArgumentCheck;
  /** See `schemaCost`. */
  cost: number;
}

const compiled = new WeakMap<JsonSchema, Compiled>();
const maxProblems = 10;
/** Longest time for one check, in ms. Without a limit, a pattern in a server's schema could backtrack for ever and block the whole host. */
const longestCheckMs = 500;

/** Returns the arguments to send to the server. If the model must correct them, returns the problem instead, in words for the model. */
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

/** Removes arguments that are null, except required ones. Models write null for optional arguments that they want to leave out. */
function withoutNulls(args: Record<string, unknown>, { required }: JsonSchema): Record<string, unknown> {
  const isRequired = (name: string) => Array.isArray(required) && required.includes(name);
  return Object.fromEntries(Object.entries(args).filter(([name, value]) => value !== null || isRequired(name)));
}

/**
 * Returns how the value violates the schema, in words for the model. Returns undefined if the value is valid. `chars` is the length of the
 * value as JSON, if the caller knows it.
 */
export function problemIn(value: unknown, schema: JsonSchema, chars?: number): string | undefined {
  const { check, cost } = compiledOf(schema);
  if (!check || passes(check, { value, chars }, schema, cost)) return undefined;
  const problems = [...new Set((check.errors ?? []).map(describe))];
  const more = problems.length > maxProblems ? `; and ${problems.length - maxProblems} more` : "";
  return `${problems.slice(0, maxProblems).join("; ")}${more}`;
}

/**
 * Returns true if the value is valid. If the check takes too long, also returns true, and does not use the schema for checks any more: the
 * server must check then.
 */
function passes(
  check: ValidateFunction,
  { value, chars }: { value: unknown; chars: number | undefined },
  schema: JsonSchema,
  cost: number,
): boolean {
  // A time limit needs a separate thread, which costs more than the rest of a call. So a quick check runs without a time limit.
  if (isQuickCheck(cost, () => chars ?? String(JSON.stringify(value)).length)) return Boolean(check(value));
  const checked = withinTime(longestCheckMs, () => Boolean(check(value)));
  if (!checked) compiled.set(schema, { check: undefined, cost });
  return checked?.result ?? true;
}

export function isCheckable(schema: JsonSchema): boolean {
  return compiledOf(schema).check !== undefined;
}

function compiledOf(schema: JsonSchema): Compiled {
  const known = compiled.get(schema);
  if (known) return known;
  const fresh = { check: compile(schema), cost: schemaCost(schema) };
  compiled.set(schema, fresh);
  return fresh;
}

/**
 * Compiles a schema. Returns undefined if the schema does not compile; the server must check then. Each schema gets a new Ajv, because two
 * tools may use the same `$id`. Schemas at remote addresses are not loaded. The default dialect of MCP is 2020-12 (spec 2025-11-25).
 */
function compile(schema: JsonSchema): ArgumentCheck {
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
    // If the schema has `$async`, the check would return a promise. A promise is always truthy, and may reject without a handler.
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
