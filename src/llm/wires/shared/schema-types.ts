import { asObject, asText, type JsonObject } from "../../../core/json.js";

const types = new Set(["object", "array", "string", "number", "integer", "boolean"]);

interface Kinds {
  types: string[];
  nullable: boolean;
  /** Values of `enum` or `const`, without null. */
  values: unknown[];
}

/** Returns the types that `type` lists or, without `type`, the types that other keywords imply. Empty if the schema accepts any type. */
export function typesOf(schema: JsonObject): Kinds {
  const values = "const" in schema ? [schema.const] : Array.isArray(schema.enum) ? schema.enum : [];
  const named = [schema.type].flat().filter((type) => typeof type === "string");
  const listed = named.filter((type) => types.has(type));
  const nullable = named.includes("null") || values.includes(null) || schema.nullable === true;
  return {
    types: [...new Set(listed.length > 0 ? listed : impliedTypes(schema, values))],
    nullable,
    values: values.filter((value) => value !== null),
  };
}

function impliedTypes(schema: JsonObject, values: readonly unknown[]): string[] {
  if (asObject(schema.properties)) return ["object"];
  if (schema.items !== undefined || schema.prefixItems !== undefined) return ["array"];
  return values.flatMap((value) => {
    if (Array.isArray(value)) return ["array"];
    return value !== null && types.has(typeof value) ? [typeof value] : [];
  });
}

/** Returns the distinct values if all are non-empty strings, otherwise undefined. Gemini accepts nothing else in `enum`. */
export function strings(values: readonly unknown[]): string[] | undefined {
  const texts = [...new Set(values)].filter((value) => asText(value) !== undefined) as string[];
  return texts.length > 0 && texts.length === new Set(values).size ? texts : undefined;
}

export function described(description: string | undefined, values: readonly unknown[]): string | undefined {
  if (values.length === 0 || strings(values)) return description;
  const listed = `One of ${JSON.stringify(values).slice(1, -1)}`;
  return [description, listed.length < 1000 ? listed : ""].filter(Boolean).join(". ") || undefined;
}
