import type { ErrorObject } from "ajv";
import { nearest } from "../core/nearest.js";
import { parseDuration } from "./durations.js";
import type { Expanded } from "./expand.js";
import type { Problem } from "./layers.js";
import { redactUrls } from "./redact.js";
import { isSecret, type SchemaNode } from "./schema.js";
import { child, isMapping } from "./tree.js";

/** ajv's errors in a user's words, one for each place; places whose placeholder is unresolved have theirs already. */
export function schemaProblems(errors: readonly ErrorObject[], { templates, unresolved }: Expanded): Problem[] {
  const problems = new Map<string, Problem>();
  for (const error of errors) {
    const problem = describe(error, templates.get(error.instancePath)?.text);
    // The enum error of a value comes after its type error and says more.
    if (!unresolved.has(problem.pointer)) problems.set(problem.pointer, problem);
  }
  return [...problems.values()];
}

function describe(error: ErrorObject, template: string | undefined): Problem {
  const pointer = error.instancePath;
  const schema = error.parentSchema as SchemaNode;
  if (error.keyword === "additionalProperties") {
    const key: string = error.params.additionalProperty;
    return {
      pointer: child(pointer, key),
      part: "key",
      message: unknownKey(key, Object.keys(schema.properties ?? {})),
    };
  }
  if (error.keyword === "minLength") return { pointer, part: "value", message: "must not be empty" };
  // What stands where a mapping, a list or a free text belongs may well be a secret, and is no clearer for being repeated.
  const quotable = !isSecret(pointer) && (schema.enum || !/^(object|array|string)$/.test(String(schema.type)));
  const got = kindAndValue(template ?? error.data, Boolean(quotable));
  return { pointer, part: "value", message: `expected ${expected(error, schema)}, got ${got}${advice(error, schema)}` };
}

function unknownKey(key: string, known: readonly string[]): string {
  const [meant] = nearest(key, known, 1);
  return `unknown key "${key}" (${meant ? `did you mean "${meant}"?` : `known here: ${known.join(", ")}`})`;
}

const TYPES: Record<string, string> = { object: "mapping", array: "list", boolean: "true or false" };

const FORMATS: Record<string, string> = {
  "duration-ms": 'milliseconds or a duration such as "30s", "5m" or "500ms"',
  "http-url": "an http:// or https:// URL",
};

function expected({ keyword }: ErrorObject, schema: SchemaNode): string {
  if (schema.enum) return `one of ${schema.enum.join(", ")}`;
  const types = [schema.type ?? []].flat().map((type) => TYPES[type] ?? type);
  const type = FORMATS[schema.format ?? ""] ?? types.join(" or ");
  return /minimum|maximum/i.test(keyword) ? `${type} ${range(schema)}` : type;
}

function range({ minimum, exclusiveMinimum, maximum }: SchemaNode): string {
  if (exclusiveMinimum !== undefined) return `above ${exclusiveMinimum}, up to ${maximum}`;
  return maximum === undefined ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
}

function kindAndValue(value: unknown, quotable: boolean): string {
  if (Array.isArray(value)) return "list";
  if (isMapping(value)) return "mapping";
  if (value === null) return "nothing";
  if (!quotable) return typeof value;
  return `${typeof value} ${typeof value === "string" ? JSON.stringify(shorten(redactUrls(value))) : String(value)}`;
}

const shorten = (text: string) => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

/** YAML reads `8080` and `true` as no text where their author means one; and times under `llm` have no unit to write. */
function advice({ keyword, data }: ErrorObject, { type }: SchemaNode): string {
  if (keyword !== "type") return "";
  if (type === "string" && /number|boolean/.test(typeof data)) return " (put it in quotes)";
  return type === "number" && typeof data === "string" && parseDuration(data) ? " (a plain number of seconds)" : "";
}
