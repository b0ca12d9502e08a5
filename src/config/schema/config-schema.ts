import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ErrorObject } from "ajv";
import type { JsonObject } from "../../core/json.js";
import { keys } from "../../core/source/tree.js";
import { schemaCheck } from "./schema-check.js";

/**
 * A node of `config.schema.json`. The fields are the keywords of JSON Schema draft-07 that this schema uses. `writeOnly` marks values that
 * must never be printed.
 */
export interface SchemaNode {
  type?: string | string[];
  description?: string;
  default?: unknown;
  enum?: string[];
  format?: string;
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  writeOnly?: boolean;
  properties?: Record<string, SchemaNode>;
  additionalProperties?: boolean | SchemaNode;
  items?: SchemaNode;
}

/** Path of the published schema. Editors find the schema by the first line of a configuration, which contains this path. */
export const schemaFile = fileURLToPath(new URL("../config.schema.json", import.meta.url));

export const schemaText = () => readFileSync(schemaFile, "utf8");

let compiled: { schema: SchemaNode; validate: (tree: JsonObject) => ErrorObject[] } | undefined;

function once() {
  compiled ??= compile();
  return compiled;
}

function compile() {
  const schema: SchemaNode = JSON.parse(schemaText());
  return { schema, validate: schemaCheck(schema) };
}

/**
 * Checks a tree against the schema, and adds the schema's defaults to the tree in place. Returns ajv's errors, in which `parentSchema` and
 * `data` are set.
 */
export const validate = (tree: JsonObject): ErrorObject[] => once().validate(tree);

export const configSchema = (): SchemaNode => once().schema;

/** Returns the schema of a key in this node. Returns undefined if the key is unknown, and `{}` if the key may have any value. */
export function schemaOfChild(node: SchemaNode, key: string): SchemaNode | undefined {
  const known = node.properties?.[key] ?? node.items;
  if (known) return known;
  if (typeof node.additionalProperties === "object") return node.additionalProperties;
  return node.additionalProperties === false ? undefined : {};
}

/** Returns true if the value at this pointer, or any value above it, is a secret. */
export function isSecret(pointer: string): boolean {
  let node: SchemaNode | undefined = configSchema();
  return keys(pointer).some((key) => {
    node = node && schemaOfChild(node, key);
    return node?.writeOnly === true;
  });
}
