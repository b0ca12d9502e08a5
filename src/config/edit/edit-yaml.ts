/** Edits the text of a YAML file. In block style, whole lines are replaced; in flow style, only the characters that must change. */

import { load } from "js-yaml";
import {
  Document,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  Scalar,
  visit,
  type YAMLMap,
} from "yaml";
import type { JsonObject } from "../../core/json.js";
import { type ConfigEdit, pathOf, switchOf } from "./server-edit.js";

type BlockMapping = YAMLMap<Node, Node | null>;
type MappingEntry = Pair<Node, Node | null>;

/** Returns the edited text. Returns undefined if the text cannot be edited, for example because it uses an alias. */
export function editYaml(text: string, edit: ConfigEdit): string | undefined {
  const document = parseDocument<Node>(text, { uniqueKeys: false });
  const top = document.contents;
  if (edit.kind === "set") return put(text, top, pathOf(edit), edit.entry);
  if (edit.kind === "put") return put(text, top, edit.path, edit.value);
  const path = pathOf(edit);
  const map = path.slice(0, -1).reduce<Node | null | undefined>(valueIn, top);
  const item = isMap<Node, Node | null>(map) ? itemOf(map, path.at(-1) ?? "") : undefined;
  if (!isMap<Node, Node | null>(map) || !item) return undefined;
  return edit.kind === "enable" ? switched(text, item, edit.enabled) : removed(text, map, item);
}

/** A key with its value. */
interface Named {
  name: string;
  entry: unknown;
}

/** Sets the value at the path, in the deepest mapping of the path that exists. */
function put(text: string, top: Node | null, path: readonly string[], value: unknown): string | undefined {
  if (isEmpty(top)) return appended(withoutEmpty(text, top), nested(path, value));
  let map: Node | null | undefined = top;
  for (const [index, key] of path.entries()) {
    if (!isMap<Node, Node | null>(map)) return undefined;
    const item = itemOf(map, key);
    const edit = nested(path.slice(index), value);
    if (!item) return index === 0 && !map.flow ? appended(text, edit) : added(text, map, edit, index);
    if (index === path.length - 1) return rewritten(text, map, item, value) ?? replaced(text, map, item, edit, index);
    if (isEmpty(item.value)) {
      if (map.flow) return replaced(text, map, item, edit, index);
      return begun(text, item, nested(path.slice(index + 1), value), `${indentOf(text, map)}  `);
    }
    map = item.value;
  }
  return undefined;
}

function nested([name = "", ...rest]: readonly string[], value: unknown): Named {
  return { name, entry: rest.reduceRight((inner, key) => ({ [key]: inner }), value) };
}

function valueIn(map: Node | null | undefined, key: string): Node | null | undefined {
  return isMap<Node, Node | null>(map) ? itemOf(map, key)?.value : undefined;
}

function itemOf(map: BlockMapping, key: string): MappingEntry | undefined {
  return map.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
}

/** Returns true if the node is missing, or is `{}` or null. */
function isEmpty(node: Node | null | undefined): boolean {
  if (isCollection(node)) return isMap(node) && node.items.length === 0;
  return node === null || node === undefined || (isScalar(node) && node.value === null);
}

/** Removes the top node from the text if this node is `{}` or null. If nothing but white space is left, returns an empty text. */
function withoutEmpty(text: string, top: Node | null): string {
  const [start, end] = (isEmpty(top) && top?.range) || [0, 0];
  const rest = text.slice(0, start) + text.slice(end);
  return rest.trim() === "" ? "" : rest;
}

function appended(text: string, edit: Named): string {
  const gap = text === "" || text.endsWith("\n\n") ? "" : text.endsWith("\n") ? "\n" : "\n\n";
  return `${text}${gap}${block(edit, "")}`;
}

/** Adds the first item below a key that has no value yet. A comment in the line of the key stays there. */
function begun(text: string, { key, value }: MappingEntry, edit: Named, indent: string): string {
  const [start, end] = value?.range ?? [endOf(key), endOf(key)];
  const isWritten = end > start;
  const before = text.slice(0, isWritten ? start : endOf(key) + text.slice(endOf(key)).indexOf(":") + 1);
  const without = before.trimEnd() + text.slice(isWritten ? end : before.length);
  const line = endOfLine(without, before.trimEnd().length);
  return withLines(without, line, block(edit, indent));
}

/** Replaces a scalar by another one in its line, so that a comment there stays. Returns undefined if one of them takes several lines. */
function rewritten(
  text: string,
  { flow }: BlockMapping,
  { value: old }: MappingEntry,
  value: unknown,
): string | undefined {
  if (!isScalar(old) || typeof value === "object" || !old.range) return undefined;
  const [start, end] = old.range;
  const written = flow ? JSON.stringify(value) : block({ name: "k", entry: value }, "").trimEnd().slice("k: ".length);
  if (end === start || `${text.slice(start, end)}${written}`.includes("\n")) return undefined;
  return text.slice(0, start) + written + text.slice(end);
}

function added(text: string, map: BlockMapping, edit: Named, depth: number): string {
  if (map.flow) {
    const last = endOf(lastOf(map));
    return `${text.slice(0, last)}, ${inFlow(edit)}${text.slice(last)}`;
  }
  const line = endOfLine(text, endOf(lastOf(map)));
  return withLines(text, line, block(edit, indentOf(text, map), depth));
}

function replaced(text: string, map: BlockMapping, item: MappingEntry, edit: Named, depth: number): string {
  const start = startOf(item);
  if (map.flow) return text.slice(0, start) + inFlow(edit) + text.slice(endOf(item));
  const from = startOfLine(text, start);
  const to = endOfLine(text, endOf(item));
  return text.slice(0, from) + block(edit, indentOf(text, map), depth).trimEnd() + text.slice(to);
}

function removed(text: string, map: BlockMapping, item: MappingEntry): string {
  if (map.items.length === 1) {
    const [start = 0] = map.range ?? [];
    if (map.flow) return `${text.slice(0, start)}{}${text.slice(endOf(map))}`;
    const from = withCommentsAbove(text, startOfLine(text, startOf(item)));
    return `${behindKey(text.slice(0, from))}${text.slice(endOfLine(text, endOf(item)))}`;
  }
  const index = map.items.indexOf(item);
  if (map.flow) {
    const next = map.items[index + 1];
    const before = map.items[index - 1];
    const from = next ? startOf(item) : endOf(before ?? item);
    return text.slice(0, from) + text.slice(next ? startOf(next) : endOf(item));
  }
  const from = withCommentsAbove(text, startOfLine(text, startOf(item)));
  return text.slice(0, from) + text.slice(Math.min(text.length, endOfLine(text, endOf(item)) + 1));
}

/**
 * Writes `{}` after the last key, because it must have a value. The text must end with the line of this key; only comments and blank
 * lines may follow it.
 */
function behindKey(text: string): string {
  const lines = text.replace(/\n$/, "").split("\n");
  const index = lines.findLastIndex((line) => /^\s*[^\s#]/.test(line));
  lines[index] = (lines[index] ?? "").replace(/:(\s*#.*|\s*)$/, (_, rest: string) => `: {}${rest}`);
  return lines.join("\n");
}

function switched(text: string, { value: server }: MappingEntry, enabled: boolean): string | undefined {
  if (!isMap<Node, Node | null>(server)) return undefined;
  const [[key, value] = []] = Object.entries(switchOf(server.toJSON() as JsonObject, enabled));
  if (key === undefined) return text;
  const item = itemOf(server, key);
  if (item?.value?.range) {
    const [start, end] = item.value.range;
    return text.slice(0, start) + String(value) + text.slice(end);
  }
  const last = endOf(lastOf(server));
  if (server.flow) return `${text.slice(0, last)}, ${key}: ${value}${text.slice(last)}`;
  return withLines(text, endOfLine(text, last), `${indentOf(text, server)}${key}: ${value}\n`);
}

function lastOf(map: BlockMapping): MappingEntry {
  return map.items.at(-1) as MappingEntry;
}

function startOf({ key }: MappingEntry): number {
  return key.range?.[0] ?? 0;
}

/** Returns the end of a node or pair, not including a comment or blank lines after it. */
function endOf(node: Node | MappingEntry): number {
  if ("key" in node) {
    const { key, value } = node as MappingEntry;
    return value ? endOf(value) : endOf(key);
  }
  if (isMap<Node, Node | null>(node) && !node.flow && node.items.length > 0) return endOf(lastOf(node));
  if (isSeq<Node>(node) && !node.flow && node.items.length > 0) return endOf(node.items.at(-1) as Node);
  const [start, end] = node.range ?? [0, 0];
  const isBlock = isScalar(node) && (node.type === Scalar.BLOCK_LITERAL || node.type === Scalar.BLOCK_FOLDED);
  return isBlock ? Math.max(start, end - 1) : end;
}

function startOfLine(text: string, position: number): number {
  return text.lastIndexOf("\n", position - 1) + 1;
}

function endOfLine(text: string, position: number): number {
  const end = text.indexOf("\n", position);
  return end < 0 ? text.length : end;
}

/** Returns the start of the comment lines directly above this line, or the start of this line if there are none. */
function withCommentsAbove(text: string, lineStart: number): number {
  let start = lineStart;
  while (start > 0) {
    const above = startOfLine(text, start - 1);
    if (!/^[ \t]+#/.test(text.slice(above, start))) return start;
    start = above;
  }
  return start;
}

function indentOf(text: string, map: BlockMapping): string {
  const start = map.range?.[0] ?? 0;
  return " ".repeat(start - startOfLine(text, start));
}

/** Inserts `lines` after the line that ends at `lineEnd`. `lines` must end with a line break. */
function withLines(text: string, lineEnd: number, lines: string): string {
  return `${text.slice(0, lineEnd)}\n${lines}${text.slice(lineEnd + 1)}`;
}

/** Maximum number of items in a list that is written in one line. Longer lists have one item per line. */
const maxFlowItems = 8;

/** Returns the lines of a key with its value. `depth`: number of mappings around it, so that what lies in it is indented like the rest. */
function block({ name, entry }: Named, indent: string, depth = 1): string {
  // Written as YAML 1.1, so that a text that some parsers would read as a date or a boolean gets quotes. `visit` adds quotes to texts that
  // our own parser would read differently.
  const document = new Document({ [name]: entry }, { version: "1.1" });
  const root = document.contents as unknown as BlockMapping;
  visit(root, {
    Scalar(_, node) {
      if (typeof node.value === "string" && !isTextUnquoted(node.value)) node.type = Scalar.QUOTE_DOUBLE;
    },
    Seq(_, list) {
      list.flow = list.items.length <= maxFlowItems;
    },
  });
  const step = Math.max(2, Math.floor(indent.length / Math.max(1, depth)));
  const text = document.toString({ lineWidth: 0, flowCollectionPadding: false, indent: step });
  return text.replace(/^(?=.)/gm, indent);
}

function isTextUnquoted(text: string): boolean {
  try {
    return text.includes("\n") || load(text) === text;
  } catch {
    return false;
  }
}

/** Returns the entry as JSON, which is also valid YAML in flow style. */
function inFlow({ name, entry }: Named): string {
  return `${JSON.stringify(name)}: ${JSON.stringify(entry)}`;
}
