/** Edits servers and settings in the text of a configuration. Comments and layout are kept. */

import { isDeepStrictEqual } from "node:util";
import { loadAll } from "js-yaml";
import { applyEdits, type JSONPath, modify, type ParseError, parse } from "jsonc-parser";
import { ConfigError } from "../../core/errors.js";
import { isPlainObject, type JsonObject } from "../../core/json.js";
import { editYaml } from "./edit-yaml.js";
import { type ConfigEdit, pathOf, switchOf } from "./server-edit.js";

/**
 * Returns the edited text. `file` is the file's name for error messages. Throws ConfigError if an edit would change other parts of the
 * configuration.
 */
export function editServers(text: string, edits: readonly ConfigEdit[], file: string): string {
  return edits.reduce((before, edit) => {
    const after = isJson(before, file) ? editJson(before, edit) : editYaml(before, edit);
    if (after !== undefined && isDeepStrictEqual(treeOf(after), expected(treeOf(before), edit))) return after;
    const message = `${pathOf(edit).join(".")} cannot be changed without touching the rest of the file: edit it by hand`;
    throw new ConfigError([{ file, line: 0, column: 0, path: "", message }]);
  }, text);
}

/** Parses the text and resolves its aliases. Returns undefined if it is not valid YAML. */
function treeOf(text: string): unknown {
  try {
    return JSON.parse(JSON.stringify(loadAll(text)[0] ?? {}));
  } catch {
    return undefined;
  }
}

function expected(tree: unknown, edit: ConfigEdit): unknown {
  if (!isPlainObject(tree)) return tree;
  if (edit.kind === "put" || edit.kind === "take")
    return withValue(tree, edit.path, edit.kind === "put" ? edit.value : undefined);
  const servers = isPlainObject(tree.mcpServers) ? { ...tree.mcpServers } : {};
  const before = servers[edit.name];
  if (edit.kind === "remove") delete servers[edit.name];
  else if (edit.kind === "set") servers[edit.name] = edit.entry;
  else if (isPlainObject(before)) servers[edit.name] = { ...before, ...switchOf(before, edit.enabled) };
  return { ...tree, mcpServers: servers };
}

/** Returns the tree with this value at the path. Undefined takes the value out. */
function withValue(tree: JsonObject, [key = "", ...rest]: readonly string[], value: unknown): JsonObject {
  const { [key]: before, ...others } = tree;
  if (rest.length > 0) return { ...others, [key]: withValue(isPlainObject(before) ? before : {}, rest, value) };
  return value === undefined ? others : { ...others, [key]: value };
}

/**
 * Returns true if the text is a JSON object. An empty object counts only if the file's name ends with `.json`, because `{}` is also valid
 * YAML.
 */
function isJson(text: string, file: string): boolean {
  const errors: ParseError[] = [];
  const tree: unknown = parse(text, errors, { allowTrailingComma: true });
  return errors.length === 0 && isPlainObject(tree) && (file.endsWith(".json") || Object.keys(tree).length > 0);
}

function editJson(text: string, edit: ConfigEdit): string {
  const indent = /^[ \t]+(?=")/m.exec(text)?.[0] ?? "  ";
  const formattingOptions = { insertSpaces: !indent.includes("\t"), tabSize: indent.length, eol: "\n" };
  const at: JSONPath = [...pathOf(edit)];
  const change = (path: JSONPath, value: unknown) => applyEdits(text, modify(text, path, value, { formattingOptions }));
  if (edit.kind === "set") return change(at, edit.entry);
  if (edit.kind === "put") return change(at, edit.value);
  if (edit.kind !== "enable") return change(at, undefined);
  const { mcpServers } = parse(text);
  const [[key, value] = []] = Object.entries(switchOf(mcpServers[edit.name], edit.enabled));
  return key === undefined ? text : change([...at, key], value);
}
