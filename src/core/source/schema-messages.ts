/** Rewords ajv's errors for users. The schema must be compiled with `verbose`. */

import type { ErrorObject } from "ajv";
import { isPlainObject } from "../json.js";
import { parseDuration } from "../text/durations.js";
import { nearest } from "../text/nearest.js";
import type { SourceProblem } from "./source.js";
import { child } from "./tree.js";

/** The fields of a draft-07 schema that the messages need. */
interface SchemaWords {
  type?: string | string[];
  enum?: string[];
  format?: string;
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  properties?: Record<string, unknown>;
}

interface Wording {
  /** The value as it is written in the file. Set if it contains placeholders such as `${NAME}`, which are replaced in the actual value. */
  template?: string;
  isSecret?: boolean;
  /** Removes secrets from a text. Applied to values before a message quotes them. */
  redact?: (text: string) => string;
}

export function describeSchemaError(error: ErrorObject, wording: Wording = {}): SourceProblem {
  const pointer = error.instancePath;
  const schema = error.parentSchema as SchemaWords;
  if (error.keyword === "additionalProperties") {
    const key: string = error.params.additionalProperty;
    const message = unknownKey(key, Object.keys(schema.properties ?? {}));
    return { pointer: child(pointer, key), part: "key", message };
  }
  if (error.keyword === "required") {
    return { pointer, part: "key", message: `"${error.params.missingProperty}" is missing` };
  }
  if (error.keyword === "minLength" && error.params.limit > 1) {
    return { pointer, part: "value", message: `must have at least ${error.params.limit} characters` };
  }
  if (/^min(Length|Items|Properties)$/.test(error.keyword)) {
    return { pointer, part: "value", message: "must not be empty" };
  }
  // If the schema wants a mapping, a list or a free text, the message does not quote the wrong value: the value may be a secret, and it
  // would explain nothing.
  const isFreeText =
    /^(object|array|string)$/.test(String(schema.type)) && !schema.enum && schema.format !== "duration";
  const quotable = !wording.isSecret && !isFreeText;
  const got = kindAndValue(wording.template ?? error.data, quotable ? (wording.redact ?? asItIs) : undefined);
  const wanted = expected(error, schema);
  const message = got === schema.type ? `expected ${wanted}` : `expected ${wanted}, got ${got}${advice(error, schema)}`;
  return { pointer, part: "value", message };
}

const asItIs = (text: string) => text;

function unknownKey(key: string, known: readonly string[]): string {
  const [meant] = nearest(key, known, 1);
  return `unknown key "${key}" (${meant ? `did you mean "${meant}"?` : `known here: ${known.join(", ")}`})`;
}

const typeNames: Record<string, string> = { object: "mapping", array: "list", boolean: "true or false" };

const formats: Record<string, string> = {
  duration: 'a duration such as "90d", "12h" or "30m"',
  "duration-ms": 'milliseconds or a duration such as "30s", "5m" or "500ms"',
  "http-url": "an http:// or https:// URL",
  "postgres-url": "a URL such as postgres://user:password@host:5432/name",
};

const isDuration = (text: string) => parseDuration(text) !== undefined;

/** The formats that `config.schema.json` uses. */
export const schemaFormats = {
  "duration-ms": isDuration,
  duration: isDuration,
  "postgres-url": (text: string) => /^postgres(ql)?:\/\/.*\/./i.test(text) && URL.canParse(text),
  "http-url": (text: string) => /^https?:\/\//i.test(text) && URL.canParse(text),
};

function expected({ keyword }: ErrorObject, schema: SchemaWords): string {
  if (schema.enum) return `one of ${schema.enum.join(", ")}`;
  const types = [schema.type ?? []].flat().map((type) => typeNames[type] ?? type);
  const type = formats[schema.format ?? ""] ?? types.join(" or ");
  return /minimum|maximum/i.test(keyword) ? `${type} ${range(schema)}` : type;
}

function range({ minimum, exclusiveMinimum, maximum }: SchemaWords): string {
  if (exclusiveMinimum !== undefined) return `above ${exclusiveMinimum}, up to ${maximum}`;
  return maximum === undefined ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
}

/** Formats the type of the value. If `redact` is given, adds the value. */
function kindAndValue(value: unknown, redact: ((text: string) => string) | undefined): string {
  if (Array.isArray(value)) return "list";
  if (isPlainObject(value)) return "mapping";
  if (value === null) return "nothing";
  if (!redact) return typeof value;
  return `${typeof value} ${typeof value === "string" ? JSON.stringify(shorten(redact(value))) : String(value)}`;
}

const shorten = (text: string) => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

/**
 * Returns advice on common mistakes: YAML reads `8080` and `true` as a number and a boolean instead of texts, and times under `llm` have no
 * unit.
 */
function advice({ keyword, data }: ErrorObject, { type }: SchemaWords): string {
  if (keyword !== "type") return "";
  if (type === "string" && /number|boolean/.test(typeof data)) return " (put it in quotes)";
  return type === "number" && typeof data === "string" && parseDuration(data) ? " (a plain number of seconds)" : "";
}
