/** Finds the smallest changes to a YAML text that give a node another value. */

import { load } from "js-yaml";
import { isMap, isScalar, isSeq, type Node, type Scalar } from "yaml";
import { isPlainObject } from "../../../core/json.js";

interface Patch {
  start: number;
  end: number;
  part: string;
}

/**
 * Returns the changes to the text. A mapping keeps its layout if the new value has the same keys. A list keeps its layout if the new value
 * has the same length.
 */
export function patches(node: Node | null | undefined, value: unknown, text: string): Patch[] {
  if (isMap<Node, Node | null>(node) && isPlainObject(value)) {
    const keys = node.items.map(({ key }) => (isScalar(key) ? String(key.value) : ""));
    if (keys.length === Object.keys(value).length && keys.every((key) => Object.hasOwn(value, key))) {
      return node.items.flatMap((pair, index) => patches(pair.value, value[keys[index] ?? ""], text));
    }
  }
  if (isSeq<Node>(node) && Array.isArray(value) && node.items.length === value.length) {
    return node.items.flatMap((item, index) => patches(item, value[index], text));
  }
  if (!node?.range || (isScalar(node) && node.value === value)) return [];
  const [start, end] = node.range;
  const old = text.slice(start, end);
  // White space at the end does not belong to the value, so it is kept.
  const trail = /\s*$/.exec(old)?.[0] ?? "";
  const isBlock = isScalar(node) && (node.type === "BLOCK_LITERAL" || node.type === "BLOCK_FOLDED");
  const written = isScalar(node) && typeof value === "string" ? scalarText(node, value, old) : JSON.stringify(value);
  return [{ start, end, part: isBlock ? written + (trail || "\n") : written + trail }];
}

/**
 * Returns the text of a scalar in its old style (plain, quoted or block). If that style cannot express the value, another style is used.
 */
function scalarText({ type }: Scalar, value: string, old: string): string {
  const isLine = !/[\p{Cc}\u2028\u2029\ufeff]/u.test(value);
  if (type === "PLAIN" && /^[\p{L}\p{N}$][^:#,[\]{}]*$/u.test(value) && isLine && isItself(value)) return value;
  if (type === "QUOTE_SINGLE" && isLine) return `'${value.replaceAll("'", "''")}'`;
  return (type === "BLOCK_LITERAL" && blockText(value, old)) || JSON.stringify(value);
}

function isItself(plain: string): boolean {
  try {
    return load(plain) === plain;
  } catch {
    return false;
  }
}

/**
 * Returns the value as a literal block, which is `|` and the lines of the value, with the old indentation. Undefined if a literal block
 * cannot express the value.
 */
function blockText(value: string, old: string): string | undefined {
  const indent = /\n( +)\S/.exec(old)?.[1];
  const lines = value.replace(/\n$/, "").split("\n");
  const isFit = lines.every((line) => !/\p{Cc}/u.test(line)) && /^\S/.test(value) && !/\n\n$/.test(value);
  if (indent === undefined || old.includes("\r") || !isFit) return undefined;
  const header = value.endsWith("\n") ? "|" : "|-";
  return [header, ...lines.map((line) => (line === "" ? "" : indent + line))].join("\n");
}
