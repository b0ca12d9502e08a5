import { asObject, asObjects, asText, type JsonObject } from "../../../core/json.js";
import type { JsonSchema } from "../../../core/messages.js";
import { described, strings, typesOf } from "./schema-types.js";

/** Maximum number of nodes in one reduced schema. Nested references can expand to a schema that is larger than any provider accepts. */
const maxNodes = 1000;
const maxDepth = 24;
const maxRecursion = 1;
const maxReferences = 64;
/**
 * Maximum number of characters in the descriptions and enums of one reduced schema. The texts of a schema that is referenced several times
 * count each time.
 */
const maxWords = 64 * 1024;

const projections = new WeakMap<JsonSchema, JsonObject>();
const completed = new WeakMap<JsonSchema, JsonObject>();

/**
 * Adds `type` and `properties` at the root, and `items` to each array that does not say what it holds. OpenAI and APIs that imitate it require
 * them, even for a tool without parameters. The same schema always gives the same object.
 */
export function fullSchema(schema: JsonSchema): JsonObject {
  const known = completed.get(schema);
  if (known) return known;
  const whole = asObject(withItems(schema)) ?? {};
  const full = { ...whole, type: "object", properties: asObject(whole.properties) ?? {} };
  completed.set(schema, full);
  return full;
}

/**
 * Reduces a schema to the keywords that every provider knows: `type`, `description`, `properties`, `required`, `items`, `enum` (of
 * strings), `anyOf` and `nullable`. The reduced schema accepts everything that the original accepts, and more; the host checks the
 * arguments against the original. References are replaced by their targets. Never throws.
 */
export function plainSchema(schema: JsonSchema): JsonObject {
  const known = projections.get(schema);
  if (known) return known;
  const projected = new Projection(schema).root();
  projections.set(schema, projected);
  return projected;
}

class Projection {
  readonly #document: JsonSchema;
  #nodes = 0;
  #words = 0;

  constructor(document: JsonSchema) {
    this.#document = document;
  }

  root(): JsonObject {
    const { description, properties, required, anyOf } = this.#node(this.#document, [], 0);
    const own = { type: "object", description, properties, required };
    if (properties || !Array.isArray(anyOf)) return compact(own);
    return compact({ ...own, properties: nonEmpty(union(asObjects(anyOf))) });
  }

  #node(given: unknown, chain: readonly unknown[], depth: number): JsonObject {
    if (++this.#nodes > maxNodes || depth > maxDepth) return {};
    const [schema, path] = this.#resolved(given, chain);
    if (!schema) return {};
    const branch = (child: unknown) => this.#node(child, path, depth + 1);
    const node = (child: unknown) => sayable(branch(child));

    const all = asObjects(schema.allOf);
    if (all.length > 0) return this.#intersection(schema, all, path, depth);
    const branches = [schema.anyOf, schema.oneOf].find((list) => Array.isArray(list) && list.length > 0);
    if (Array.isArray(branches) && !schema.properties) {
      const whole = branches.map((branch) =>
        schema.type && asObject(branch) ? { type: schema.type, ...branch } : branch,
      );
      return choice(whole.map(branch), this.#within(asText(schema.description)));
    }
    const { types, nullable, values } = typesOf(schema);
    const projected = types.map((type): JsonObject => {
      if (type === "array") return { type, items: "items" in schema ? node(itemOf(schema)) : { type: "string" } };
      if (type !== "object") return type === "string" ? { type, enum: this.#within(strings(values)) } : { type };
      const properties = this.#properties(schema, node);
      const required = Object.keys(properties).filter((name) => isRequired(schema, name));
      return { type, properties: nonEmpty(properties), required: required.length > 0 ? required : undefined };
    });
    if (nullable) projected.push({ type: "null" });
    return choice(projected, this.#within(described(asText(schema.description), values)));
  }

  #within<T extends string | string[]>(words: T | undefined): T | undefined {
    this.#words += words === undefined ? 0 : words.length + (typeof words === "string" ? 0 : words.join("").length);
    return this.#words > maxWords ? undefined : words;
  }

  #properties(schema: JsonObject, node: (child: unknown) => JsonObject): JsonObject {
    const properties = Object.entries(asObject(schema.properties) ?? {});
    return Object.fromEntries(
      properties.flatMap(([name, child]) => (child === false || this.#nodes >= maxNodes ? [] : [[name, node(child)]])),
    );
  }

  /**
   * Reduces `allOf` to one schema with the properties of all objects in the list. If no schema in the list is an object, returns the first
   * one that states a type.
   */
  #intersection(
    { allOf: _, ...rest }: JsonObject,
    all: readonly JsonObject[],
    path: readonly unknown[],
    depth: number,
  ) {
    const own = this.#node(rest, path, depth + 1);
    const parts = [own, ...all.map((part) => this.#node(part, path, depth + 1))];
    const objects = parts.filter((part) => part.type === "object");
    if (objects.length === 0) return parts.find((part) => part.type ?? part.anyOf) ?? own;
    const properties = merge(objects.map((part) => asObject(part.properties) ?? {}));
    const required = [...new Set(objects.flatMap((part) => (part.required ?? []) as string[]))];
    const description = parts.map((part) => asText(part.description)).find(Boolean);
    return compact({
      type: "object",
      description,
      properties: nonEmpty(properties),
      required: required.length > 0 ? required : undefined,
    });
  }

  /**
   * Follows `$ref`. Returns the target, and the list of all schemas that were followed on the way. A key beside `$ref` outranks the same
   * key of the target.
   */
  #resolved(given: unknown, chain: readonly unknown[]): [JsonObject | undefined, readonly unknown[]] {
    let schema = asObject(given);
    let path = chain;
    while (schema && typeof schema.$ref === "string") {
      const target = asObject(at(this.#document, schema.$ref));
      const passed = path.filter((one) => one === target).length;
      if (!target || passed > maxRecursion || path.length > maxReferences) return [undefined, path];
      path = [...path, target];
      const { $ref: _, ...beside } = schema;
      schema = { ...target, ...beside };
    }
    return [schema, path];
  }
}

/** Returns a copy of the schema in which each array has `items`, at any depth up to `maxDepth`. */
function withItems(node: unknown, depth = 0): unknown {
  // Each level of a schema is two levels of objects: the schema, and its `properties`.
  if (typeof node !== "object" || node === null || depth > 2 * maxDepth) return node;
  if (Array.isArray(node)) return node.map((each) => withItems(each, depth + 1));
  const entries = Object.entries(node).map(([key, value]) => [key, withItems(value, depth + 1)]);
  const whole: JsonObject = Object.fromEntries(entries);
  const isOpen = [whole.type].flat().includes("array") && !asObject(whole.items) && !("prefixItems" in whole);
  return isOpen ? { ...whole, items: asObject(itemOf(whole)) ?? {} } : whole;
}

/** Returns the schema of an array's items. In draft 4, `items` may list the schemas of a tuple. */
function itemOf({ items }: JsonObject): unknown {
  return Array.isArray(items) ? { anyOf: items } : items;
}

function isRequired({ required }: JsonObject, name: string): boolean {
  return Array.isArray(required) && required.includes(name);
}

/**
 * Returns a schema that accepts whatever one of these schemas accepts. All keywords go into the branches, because Gemini allows no other
 * key beside `anyOf`.
 */
function choice(nodes: readonly JsonObject[], description: string | undefined): JsonObject {
  const flat = nodes.flatMap((node) => (Array.isArray(node.anyOf) ? asObjects(node.anyOf) : [node]));
  const branches = flat
    .filter((node) => node.type !== "null")
    .map((node, position): JsonObject => (position === 0 ? { description, ...compact(node) } : node));
  const nullable = flat.some((node) => node.type === "null" || node.nullable === true) || undefined;
  // A branch that accepts anything makes the others redundant.
  const anything = branches.find((branch) => !("type" in branch));
  if (branches.length === 0 && nullable) return { type: "null" };
  if (branches.length === 0 || anything) return compact({ description });
  const [only, ...others] = branches.map((branch) => compact({ ...branch, nullable }));
  return others.length === 0 ? (only ?? {}) : { anyOf: [only, ...others] };
}

/** Replaces a schema that accepts only null by an empty schema: `type: "null"` is only a mark for `choice`, which makes it `nullable`. */
function sayable(node: JsonObject): JsonObject {
  return node.type === "null" ? {} : node;
}

/** Joins the properties of all objects. None of the properties is required. */
function union(objects: readonly JsonObject[]): JsonObject {
  const properties = objects.map((object) => asObject(object.properties) ?? {});
  const names = [...new Set(properties.flatMap(Object.keys))];
  const nodes = (name: string) =>
    properties.flatMap((each) => (Object.hasOwn(each, name) ? asObjects([each[name]]) : []));
  return Object.fromEntries(names.map((name) => [name, choice(nodes(name), undefined)]));
}

function merge(objects: readonly JsonObject[]): JsonObject {
  return Object.fromEntries(objects.toReversed().flatMap((object) => Object.entries(object)));
}

function nonEmpty(properties: JsonObject): JsonObject | undefined {
  return Object.keys(properties).length > 0 ? properties : undefined;
}

function compact(node: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(node).filter(([, value]) => value !== undefined));
}

/** Returns the value at a JSON pointer within the document, such as `#/$defs/a~1b`. Never throws. */
function at(document: JsonObject, reference: string): unknown {
  if (!/^#(\/|$)/.test(reference)) return undefined;
  const keys = reference.split("/").slice(1).map(unescaped);
  return keys.reduce<unknown>((value, key) => {
    return typeof value === "object" && value !== null && Object.hasOwn(value, key)
      ? (value as JsonObject)[key]
      : undefined;
  }, document);
}

function unescaped(key: string): string {
  const text = key.replaceAll("~1", "/").replaceAll("~0", "~");
  return /^([^%]|%[0-7][\da-f])*$/i.test(text) ? decodeURIComponent(text) : text;
}
