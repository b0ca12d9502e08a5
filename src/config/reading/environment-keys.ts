import { load } from "js-yaml";
import type { Environment } from "../../core/environment.js";
import { isPlainObject, type JsonObject } from "../../core/json.js";
import { configSchema, type SchemaNode, schemaOfChild } from "../schema/config-schema.js";
import type { Layer } from "./layers.js";

const prefix = "MCP_PLATFORM_";

/**
 * Returns one layer for each variable such as `MCP_PLATFORM_LLM__HTTP__MAX_RETRIES`. Two underscores separate the name of a mapping from a
 * key in this mapping. `known` is the configuration from files. A server or provider that it contains keeps its spelling; other names are
 * in lower case. An empty variable counts as unset. A line break at the end of a value is left out: the secrets of many deployments have one by
 * mistake.
 */
export function environmentLayers(environment: Environment, known: JsonObject): Layer[] {
  return Object.entries(environment).flatMap(([name, given]) => {
    const text = given?.replace(/\r?\n$/, "");
    if (!text || !name.startsWith(prefix) || !name.includes("__")) return [];
    return [
      { tree: nest(name.slice(prefix.length).split("__"), text, known), originOf: () => ({ kind: "env", name }) },
    ];
  });
}

function nest(path: readonly string[], text: string, known: JsonObject): JsonObject {
  let schema: SchemaNode | undefined = configSchema();
  let here: unknown = known;
  const keys = path.map((segment) => {
    const names: string[] = [
      ...Object.keys(schema?.properties ?? {}),
      ...(isPlainObject(here) ? Object.keys(here) : []),
    ];
    const key = names.find((name) => variableName(name) === segment.toUpperCase()) ?? segment.toLowerCase();
    schema = schema && schemaOfChild(schema, key);
    here = isPlainObject(here) ? here[key] : undefined;
    return key;
  });
  const value = scalar(text, schema);
  return keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as JsonObject;
}

function variableName(key: string): string {
  return key.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_");
}

/** Parses a text as YAML, so that "1" becomes a number. If the schema requires a text, returns the text unchanged. */
export function scalar(text: string, schema: SchemaNode | undefined): unknown {
  if (schema?.type === "string") return text;
  try {
    return load(text);
  } catch {
    return text;
  }
}
