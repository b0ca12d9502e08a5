import { asObject, type JsonObject } from "../../../core/json.js";
import type { OutputFormat } from "../../../core/messages.js";

/**
 * Keywords that the API refuses in a schema of an answer. They are removed here; the host checks the answer against the complete schema.
 */
const refused = new Set([
  ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
  ...["minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"],
  ...["$schema", "$id", "default", "examples"],
]);

/** Returns the format of the answer; undefined if the API cannot express the schema, because it has objects with unlisted keys. */
export function wireFormat({ jsonSchema }: OutputFormat): JsonObject | undefined {
  const schema = closed(jsonSchema);
  return schema && { type: "json_schema", schema };
}

/** Forbids unlisted keys in every object, as the API requires. An answer that fits this narrower schema also fits the original. */
function closed(schema: JsonObject): JsonObject | undefined {
  if (isOpen(schema)) return undefined;
  const result: JsonObject = {};
  for (const [key, value] of Object.entries(schema)) {
    if (refused.has(key)) continue;
    const within = closedIn(key, value);
    if (within === undefined) return undefined;
    result[key] = within;
  }
  return schema.properties ? { ...result, type: "object", additionalProperties: false } : result;
}

const maps = new Set(["properties", "$defs", "definitions"]);
const lists = new Set(["anyOf", "oneOf", "allOf", "prefixItems"]);

function closedIn(key: string, value: unknown): unknown {
  const inner = asObject(value);
  if (maps.has(key) && inner) {
    const entries = Object.entries(inner).map(([name, child]) => [name, closedChild(child)] as const);
    return entries.every(([, child]) => child !== undefined) ? Object.fromEntries(entries) : undefined;
  }
  if (lists.has(key) && Array.isArray(value)) {
    const children = value.map(closedChild);
    return children.includes(undefined) ? undefined : children;
  }
  return key === "items" ? closedChild(value) : value;
}

function closedChild(child: unknown): unknown {
  const schema = asObject(child);
  return schema ? closed(schema) : child;
}

function isOpen({ type, properties, additionalProperties }: JsonObject): boolean {
  if (asObject(additionalProperties)) return true;
  const isListed = Object.keys(asObject(properties) ?? {}).length > 0;
  return [type].flat().includes("object") && !isListed && additionalProperties !== false;
}
