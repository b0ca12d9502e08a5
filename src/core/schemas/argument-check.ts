/** Checks values by a server's schema, and words the problems for the model. For schemas that may take long, see `mcp/shared/tool-arguments.ts`. */
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { Ajv2019 } from "ajv/dist/2019.js";
import { Ajv2020 } from "ajv/dist/2020.js";
import { withinTime } from "../async/within-time.js";
import { textOrEmpty } from "../json.js";
import type { JsonSchema } from "../messages.js";
import { isQuickCheck, schemaCost } from "./schema-cost.js";

interface CompiledCheck {
  /** Undefined if the server must check. */
  check: ValidateFunction | undefined;
  /** See `schemaCost`. */
  cost: number;
}

const compiled = new WeakMap<JsonSchema, CompiledCheck>();
const maxProblems = 10;
/** Longest time to compile a schema or to check by it, in ms. A pattern in a server's schema may backtrack for ever. */
const longestMs = 500;

/**
 * Returns how the value violates the schema, in words for the model. Returns undefined if the value is valid, and if the server must check:
 * if the schema does not compile, or if a check by it has taken too long. `chars` is the length of the value as JSON.
 */
export function argumentProblem(value: unknown, schema: JsonSchema, chars: number): string | undefined {
  const { check, cost } = compiledOf(schema);
  if (!check || passes(() => Boolean(check(value)), schema, { cost, chars })) return undefined;
  const problems = [...new Set((check.errors ?? []).map(describe))];
  const more = problems.length > maxProblems ? `; and ${problems.length - maxProblems} more` : "";
  return `${problems.slice(0, maxProblems).join("; ")}${more}`;
}

/** Returns false if the schema does not compile. The server must then check its arguments. */
export function isCheckable(schema: JsonSchema): boolean {
  return compiledOf(schema).check !== undefined;
}

/** Returns true if the value is valid, and if the check takes too long. After that, the schema is not used for checks any more. */
function passes(check: () => boolean, schema: JsonSchema, { cost, chars }: { cost: number; chars: number }): boolean {
  // A time limit costs more than a quick check.
  if (isQuickCheck(cost, chars)) return check();
  const checked = withinTime(longestMs, check);
  if (!checked) compiled.set(schema, { check: undefined, cost });
  return checked?.result ?? true;
}

function compiledOf(schema: JsonSchema): CompiledCheck {
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
function compile(schema: JsonSchema): ValidateFunction | undefined {
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
    const check = withinTime(longestMs, () => new Dialect(options).compile(schema))?.result;
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
  const subject = instancePath ? `\`${instancePath.slice(1).replaceAll("/", ".")}\`` : "the arguments";
  if (keyword === "required") return `${subject} must have \`${params.missingProperty}\``;
  if (keyword === "additionalProperties" || keyword === "unevaluatedProperties") {
    return `${subject} must not have \`${params.additionalProperty ?? params.unevaluatedProperty}\``;
  }
  if (keyword === "enum") return `${subject} must be one of ${JSON.stringify(params.allowedValues)}`;
  if (keyword === "const") return `${subject} must be ${JSON.stringify(params.allowedValue)}`;
  if (keyword === "type") return `${subject} ${message}, got ${shortJson(data)}`;
  return `${subject} ${message}`;
}

function shortJson(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 60 ? `${json.slice(0, 60)}…` : json;
}
