import type { Environment } from "../../core/environment.js";
import { isPlainObject, type JsonObject } from "../../core/json.js";
import { addAll } from "../../core/lists/long-lists.js";
import type { SourceProblem } from "../../core/source/source.js";
import { child, keys } from "../../core/source/tree.js";
import { parseDuration } from "../../core/text/durations.js";
import { configSchema, type SchemaNode, schemaOfChild } from "../schema/config-schema.js";
import { scalar } from "./environment-keys.js";
import { interpolate } from "./interpolate.js";
import type { Merged } from "./layers.js";

export interface Template {
  /** The text with its placeholders, as it is written in the file. */
  text: string;
  variables: string[];
}

export interface Expanded {
  tree: JsonObject;
  templates: ReadonlyMap<string, Template>;
  problems: SourceProblem[];
  /** Pointers of the values in which a placeholder could not be replaced. Other problems of these values are not reported. */
  unresolved: ReadonlySet<string>;
}

/**
 * Replaces the placeholders in values from files and defaults. Values from the environment and from flags are taken literally. Where the
 * schema requires it, texts become numbers or booleans, and durations become milliseconds. In a disabled server, a placeholder that cannot
 * be replaced stays, and is not reported as a problem.
 */
export function expandTree({ tree, origins }: Merged, environment: Environment): Expanded {
  const templates = new Map<string, Template>();
  const unresolved = new Set<string>();
  const problems: SourceProblem[] = [];

  function walk(value: unknown, pointer: string, schema: SchemaNode | undefined, literal: boolean): unknown {
    const origin = origins.get(pointer)?.kind;
    const asIs = origin ? origin === "env" || origin === "flag" : literal;
    const next = (item: unknown, key: string | number) =>
      walk(item, child(pointer, key), schema && schemaOfChild(schema, String(key)), asIs);
    if (Array.isArray(value)) return value.map(next);
    if (isPlainObject(value))
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, next(item, key)]));
    if (typeof value !== "string") return value;
    return inMilliseconds(asIs ? value : resolve(value, pointer, schema), schema);
  }

  function resolve(source: string, pointer: string, schema: SchemaNode | undefined): unknown {
    const { text, variables, problems: found } = interpolate(source, environment);
    if (variables.length > 0) templates.set(pointer, { text: source, variables });
    if (found.length === 0) return variables.length > 0 && schema?.type ? scalar(text, schema) : text;
    unresolved.add(pointer);
    addAll(
      problems,
      found.map((message): SourceProblem => ({ pointer, part: "value", message })),
    );
    return source;
  }

  const expanded = walk(tree, "", configSchema(), false) as JsonObject;
  return {
    tree: expanded,
    templates,
    problems: problems.filter((problem) => !isDisabled(expanded, problem)),
    unresolved,
  };
}

function inMilliseconds(value: unknown, schema: SchemaNode | undefined): unknown {
  return schema?.format === "duration-ms" && typeof value === "string" ? (parseDuration(value) ?? value) : value;
}

function isDisabled({ mcpServers }: JsonObject, { pointer }: SourceProblem): boolean {
  const [top, name = ""] = keys(pointer);
  const server = top === "mcpServers" && isPlainObject(mcpServers) ? mcpServers[name] : undefined;
  return isPlainObject(server) && server.enabled === false;
}
