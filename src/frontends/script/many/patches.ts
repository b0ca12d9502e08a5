/** The least changes of a YAML text that make a node another value. */
import { load } from "js-yaml";
import { isMap, isScalar, isSeq, type Node, type Scalar } from "yaml";
import { isMapping } from "../../../core/tree.js";

interface Patch {
  start: number;
  end: number;
  part: string;
}

/** Mappings with the same keys and lists of the same length keep their layout. */
export function patches(node: Node | null | undefined, value: unknown, text: string): Patch[] {
  if (isMap<Node, Node | null>(node) && isMapping(value)) {
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
  // What ends a block is no part of the value.
  const trail = /\s*$/.exec(old)?.[0] ?? "";
  const isBlock = isScalar(node) && (node.type === "BLOCK_LITERAL" || node.type === "BLOCK_FOLDED");
  const written = isScalar(node) && typeof value === "string" ? scalarText(node, value, old) : JSON.stringify(value);
  return [{ start, end, part: isBlock ? written + (trail || "\n") : written + trail }];
}

/** In the style that it had, where that can hold it. */
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

/** `|` and the lines, as far in as the old ones; undefined where a literal block cannot say it. */
function blockText(value: string, old: string): string | undefined {
  const indent = /\n( +)\S/.exec(old)?.[1];
  const lines = value.replace(/\n$/, "").split("\n");
  const isFit = lines.every((line) => !/\p{Cc}/u.test(line)) && /^\S/.test(value) && !/\n\n$/.test(value);
  if (indent === undefined || old.includes("\r") || !isFit) return undefined;
  const header = value.endsWith("\n") ? "|" : "|-";
  return [header, ...lines.map((line) => (line === "" ? "" : indent + line))].join("\n");
}
