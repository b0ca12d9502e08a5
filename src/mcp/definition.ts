/** What a tool says of itself, as hashes that can be pinned: a changed one shows, and which part of it changed. */
import { createHash } from "node:crypto";
import { isRecord, type Json } from "./json.js";

/** Hash of each part that says what the tool does, under the name that people know it by. */
export type Definition = Readonly<Record<string, string>>;

const parts: Readonly<Record<string, string>> = {
  title: "title",
  description: "description",
  inputSchema: "parameters",
  outputSchema: "result",
  annotations: "annotations",
  execution: "execution",
};

/** Of the tool as it was listed, whatever the order of its keys. */
export function definitionOf(raw: Json): Definition {
  return Object.fromEntries(
    Object.entries(parts).flatMap(([key, part]) => (raw[key] === undefined ? [] : [[part, hashOf(raw[key])]])),
  );
}

/** Parts that only one of both has, or that are different. */
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
