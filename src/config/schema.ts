import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ErrorObject } from "ajv";
import { keys, type Mapping } from "../core/tree.js";
import { schemaCheck } from "./schema-check.js";

/** The part of draft-07 that `config.schema.json` uses. `writeOnly` marks values that must never be printed. */
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

/** Path of the published schema, for an editor's modeline. */
export const schemaFile = fileURLToPath(new URL("config.schema.json", import.meta.url));

export const schemaText = () => readFileSync(schemaFile, "utf8");

let compiled: { schema: SchemaNode; validate: (tree: Mapping) => ErrorObject[] } | undefined;

function once() {
  compiled ??= compile();
  return compiled;
}

function compile() {
  const schema: SchemaNode = JSON.parse(schemaText());
  return { schema, validate: schemaCheck(schema) };
}

/** Fills in the schema's defaults in place. The errors carry their `parentSchema` and `data`. */
export const validate = (tree: Mapping): ErrorObject[] => once().validate(tree);

export const configSchema = (): SchemaNode => once().schema;

/** Returns the schema of one key: `undefined` if the key is unknown, `{}` if anything is allowed. */
export function schemaOfChild(node: SchemaNode, key: string): SchemaNode | undefined {
  const known = node.properties?.[key] ?? node.items;
  if (known) return known;
  if (typeof node.additionalProperties === "object") return node.additionalProperties;
  return node.additionalProperties === false ? undefined : {};
}

/** Returns true if a value at this place, or anything above it, is a secret. */
export function isSecret(pointer: string): boolean {
  let node: SchemaNode | undefined = configSchema();
  return keys(pointer).some((key) => {
    node = node && schemaOfChild(node, key);
    return node?.writeOnly === true;
  });
}
