import type { ErrorObject } from "ajv";
import { nearest } from "../core/nearest.js";
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
  // What stands where a mapping, a list or a URL belongs may well be a secret, and no better said for being repeated.
  const quotable = !isSecret(pointer) && schema.format !== "http-url" && !/^(object|array)$/.test(String(schema.type));
  const got = kindAndValue(template ?? error.data, quotable);
  return { pointer, part: "value", message: `expected ${expected(error, schema)}, got ${got}${quotes(error, schema)}` };
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

/** YAML reads `8080` as a number and `true` as a boolean, where their author often means a text. */
function quotes({ keyword, data }: ErrorObject, { type }: SchemaNode): string {
  return keyword === "type" && type === "string" && /number|boolean/.test(typeof data) ? " (put it in quotes)" : "";
}
