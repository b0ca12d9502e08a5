/** Hashes of a tool's definition. Each part of the definition has its own hash, so that a report of a change can name the changed part. */

import { createHash } from "node:crypto";
import { isPlainObject, type JsonObject } from "../../core/json.js";

/** Hashes of the parts of a tool's definition. The keys are the names of the parts, as people see them. */
export type Definition = Readonly<Record<string, string>>;

const parts: Readonly<Record<string, string>> = {
  title: "title",
  description: "description",
  inputSchema: "parameters",
  outputSchema: "result",
  annotations: "annotations",
  execution: "execution",
};

/** Returns the hashes of a tool. `raw` is the tool as its server listed it. The order of keys in the JSON does not matter. */
export function definitionOf(raw: JsonObject): Definition {
  return Object.fromEntries(
    Object.entries(parts).flatMap(([key, part]) => (raw[key] === undefined ? [] : [[part, hashOf(raw[key])]])),
  );
}

export function changedParts(before: Definition, after: Definition): string[] {
  return Object.values(parts).filter((part) => before[part] !== after[part]);
}

function hashOf(value: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(inOrder(value)))
    .digest("hex");
}

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (!isPlainObject(value)) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, inOrder(value[key])]));
}
