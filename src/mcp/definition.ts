/** A tool's definition as hashes that can be pinned, one per part, so that a change shows with its part. */
import { createHash } from "node:crypto";
import { isRecord, type Json } from "./json.js";

/** Hash of each part that describes the tool, by the part's name for people. */
export type Definition = Readonly<Record<string, string>>;

const parts: Readonly<Record<string, string>> = {
  title: "title",
  description: "description",
  inputSchema: "parameters",
  outputSchema: "result",
  annotations: "annotations",
  execution: "execution",
};

/** Hashes the listed tool, whatever the order of its keys. */
export function definitionOf(raw: Json): Definition {
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
  if (!isRecord(value)) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, inOrder(value[key])]));
}
