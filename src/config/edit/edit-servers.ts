/** Edits `mcpServers` in the text of a configuration. Comments and layout are kept. */

import { isDeepStrictEqual } from "node:util";
import { loadAll } from "js-yaml";
import { applyEdits, type JSONPath, modify, type ParseError, parse } from "jsonc-parser";
import { ConfigError } from "../../core/errors.js";
import { isPlainObject } from "../../core/json.js";
import { editYaml } from "./edit-yaml.js";
import { type ServerEdit, switchOf } from "./server-edit.js";

/**
 * Returns the edited text. `file` is the file's name for error messages. Throws ConfigError if an edit would change other parts of the
 * configuration.
 */
export function editServers(text: string, edits: readonly ServerEdit[], file: string): string {
  return edits.reduce((before, edit) => {
    const after = isJson(before, file) ? editJson(before, edit) : editYaml(before, edit);
    if (after !== undefined && isDeepStrictEqual(treeOf(after), expected(treeOf(before), edit))) return after;
    const message = `mcpServers.${edit.name} cannot be changed without touching the rest of the file: edit it by hand`;
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

function expected(tree: unknown, edit: ServerEdit): unknown {
  if (!isPlainObject(tree)) return tree;
  const servers = isPlainObject(tree.mcpServers) ? { ...tree.mcpServers } : {};
  const before = servers[edit.name];
  if (edit.kind === "remove") delete servers[edit.name];
  else if (edit.kind === "set") servers[edit.name] = edit.entry;
  else if (isPlainObject(before)) servers[edit.name] = { ...before, ...switchOf(before, edit.enabled) };
  return { ...tree, mcpServers: servers };
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

function editJson(text: string, edit: ServerEdit): string {
  const indent = /^[ \t]+(?=")/m.exec(text)?.[0] ?? "  ";
  const formattingOptions = { insertSpaces: !indent.includes("\t"), tabSize: indent.length, eol: "\n" };
  const at: JSONPath = ["mcpServers", edit.name];
  const change = (path: JSONPath, value: unknown) => applyEdits(text, modify(text, path, value, { formattingOptions }));
  if (edit.kind === "set") return change(at, edit.entry);
  if (edit.kind === "remove") return change(at, undefined);
  const { mcpServers } = parse(text);
  const [[key, value] = []] = Object.entries(switchOf(mcpServers[edit.name], edit.enabled));
  return key === undefined ? text : change([...at, key], value);
}
