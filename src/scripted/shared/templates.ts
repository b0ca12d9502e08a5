/** Templates in the texts of a script: `{{name}}` and `{{a.b[0]}}`. `\{{` stands for the characters `{{`. */

import { ScriptError } from "../../core/errors.js";
import { isPlainObject } from "../../core/json.js";
import { didYouMean } from "../../core/text/nearest.js";
import type { ScriptPosition } from "./script-position.js";
import { positionText } from "./script-position.js";
import type { Variables } from "./variables.js";

interface Path {
  text: string;
  name: string;
  keys: readonly string[];
}

type TemplatePiece = string | Path;

const token = /\\\{\{|\{\{(?:((?:(?!\{\{|\}\}).)*)\}\})?/gs;
const path = /^\s*([A-Za-z_]\w*)((?:\.\w+|\[\d+\])*)\s*$/;

/** Splits a text into plain texts and templates. Throws ScriptError for a template that is not valid. */
function parse(text: string): TemplatePiece[] {
  const pieces: TemplatePiece[] = [];
  let end = 0;
  for (const match of text.matchAll(token)) {
    pieces.push(text.slice(end, match.index));
    end = match.index + match[0].length;
    pieces.push(match[0] === "\\{{" ? "{{" : pathOf(match[1]));
  }
  pieces.push(text.slice(end));
  return pieces.filter((piece) => piece !== "");
}

function pathOf(text: string | undefined): Path {
  if (text === undefined) throw new ScriptError("template", "{{ without }} (write \\{{ for a literal {{)");
  const [, name, keys = ""] = path.exec(text) ?? [];
  if (name === undefined) {
    throw new ScriptError(
      "template",
      `{{${text}}} is not a variable: write {{name}} or {{name.key[0]}}, and \\{{ for a literal {{`,
    );
  }
  return { text: text.trim(), name, keys: keys.match(/\w+/g) ?? [] };
}

/** Checks the templates of a text, without looking up variables. Returns a text that says what is wrong, or undefined if they are valid. */
export function templateProblem(text: string): string | undefined {
  try {
    parse(text);
    return undefined;
  } catch (error) {
    return (error as ScriptError).message;
  }
}

/**
 * Fills in all templates in the texts of a value. If a text is exactly one template, the variable's value replaces it, whatever its type.
 * Throws ScriptError with the position in the script and the known variables.
 */
export function render<Value>(value: Value, variables: Variables, position: ScriptPosition): Value {
  return rendered(value, variables, position) as Value;
}

/** Fills in the templates of a text. The result is always a text. */
export function renderText(text: string, variables: Variables, position: ScriptPosition): string {
  return asText(rendered(text, variables, position));
}

/** Replaces the templates in a JavaScript expression by property accesses: `{{a.b.0}} > 1` becomes `(a["b"]["0"]) > 1`. */
export function asExpression(text: string): string {
  return parse(text)
    .map((piece) => {
      if (typeof piece === "string") return piece;
      return `(${piece.name}${piece.keys.map((key) => `[${JSON.stringify(key)}]`).join("")})`;
    })
    .join("");
}

export function hasTemplate(value: unknown): boolean {
  return /(?<!\\)\{\{/.test(JSON.stringify(value) ?? "");
}

/** Escapes all texts of a value, so that `render` of the result returns the original value. */
export function literal(value: unknown): unknown {
  if (typeof value === "string") return value.replaceAll("{{", "\\{{");
  if (Array.isArray(value)) return value.map(literal);
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, literal(item)]));
}

/** Returns true if the text consists of exactly one template. */
export function isTemplate(text: string): boolean {
  const [piece, ...more] = parse(text.trim());
  return typeof piece === "object" && more.length === 0;
}

function rendered(value: unknown, variables: Variables, position: ScriptPosition): unknown {
  if (Array.isArray(value)) return value.map((item) => rendered(item, variables, position));
  if (isPlainObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rendered(item, variables, position)]));
  }
  if (typeof value !== "string" || !value.includes("{{")) return value;
  const pieces = parse(value).map((piece) =>
    typeof piece === "string" ? piece : { value: look(piece, variables, position) },
  );
  const [only] = pieces;
  if (pieces.length === 1 && typeof only === "object") return only.value;
  return pieces.map((piece) => (typeof piece === "string" ? piece : asText(piece.value))).join("");
}

function look({ text, name, keys }: Path, variables: Variables, position: ScriptPosition): unknown {
  const fail = (message: string) => new ScriptError("template", `${positionText(position)}: ${message}`);
  if (!variables.has(name)) throw fail(`there is no variable "${name}"${known(name, variables.names())}`);
  let value = variables.get(name);
  for (const key of keys) {
    const inner = Object(value) as Record<string, unknown>;
    if (!Object.hasOwn(inner, key)) {
      const there = Array.isArray(value) ? ` (it has ${value.length})` : known(key, Object.keys(inner));
      throw fail(`{{${text}}}: there is no "${key}"${there}`);
    }
    value = inner[key];
  }
  return value;
}

function known(name: string, names: readonly string[]): string {
  return didYouMean(name, names) || (names.length > 0 ? ` (known: ${names.join(", ")})` : "");
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
