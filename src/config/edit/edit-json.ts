import { applyEdits, type JSONPath, modify, type ParseError, parse } from "jsonc-parser";
import { isPlainObject } from "../../core/json.js";
import { type ServerEdit, switchOf } from "./server-edit.js";

/**
 * Returns true if the text is a JSON object. An empty object counts only if the file's name ends with `.json`, because `{}` is also valid
 * YAML.
 */
export function isJson(text: string, file: string): boolean {
  const errors: ParseError[] = [];
  const tree: unknown = parse(text, errors, { allowTrailingComma: true });
  return errors.length === 0 && isPlainObject(tree) && (file.endsWith(".json") || Object.keys(tree).length > 0);
}

export function editJson(text: string, edit: ServerEdit): string {
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
