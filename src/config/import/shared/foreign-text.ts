/** Reads a configuration file of another program: its values, and its comments by key. */

import { existsSync } from "node:fs";
import { dirname } from "node:path";
import {
  type Node as JsonNode,
  type ParseError,
  parseTree,
  printParseErrorCode,
  visit as visitJson,
} from "jsonc-parser";
import { isPair, isScalar, isSeq, Lexer, LineCounter, parseDocument, visit } from "yaml";
import { ConfigError } from "../../../core/errors.js";
import { isDeeperThan, isPlainObject, type JsonObject } from "../../../core/json.js";
import { addTo } from "../../../core/lists/long-lists.js";
import { displayName, readSource, readText } from "../../../core/source/source.js";
import { child } from "../../../core/source/tree.js";
import type { CommentLine, Fail, KeyLine, Lines } from "./comment-lines.js";
import { readToml } from "./toml.js";

export interface ForeignText {
  /** Path of the file, in the form in which it is displayed. */
  file: string;
  /** Absolute path of the file. */
  path: string;
  tree: JsonObject;
  /** Comment lines without `#` or `//`, keyed by the pointer of the key that they describe. */
  comments: ReadonlyMap<string, readonly string[]>;
}

/** Deepest nesting of a file that is imported. What reads its values needs some stack for each level. */
const maxLevels = 500;

/** Reads a file. An extension of YAML or TOML decides the format; any other file is read as JSON with comments. Throws ConfigError. */
export function readForeign(path: string, cwd: string): ForeignText {
  try {
    const foreign = parsed(path, cwd);
    if (isDeeperThan(maxLevels, foreign.tree)) throw new RangeError("too many levels");
    return foreign;
  } catch (error) {
    // Parsers throw this error at the end of the stack.
    if (!(error instanceof RangeError)) throw error;
    const message = `is nested more than ${maxLevels} levels deep`;
    throw new ConfigError([{ file: displayName(path, cwd), line: 0, column: 0, path: "", message }]);
  }
}

function parsed(path: string, cwd: string): ForeignText {
  const file = displayName(path, cwd);
  const read = readText(path);
  const fail = (message: string, line = 0, column = 0): never => {
    throw new ConfigError([{ file, line, column, path: "", message }]);
  };
  if ("problem" in read) return fail(read.problem);
  const { text } = read;
  if (/\.ya?ml$/i.test(path)) {
    return { file, path, tree: readSource(path, cwd).tree, comments: assigned(yamlLines(text)) };
  }
  const { tree, ...lines } = /\.toml$/i.test(path) ? readToml(text, fail) : readJson(text, fail);
  if (!isPlainObject(tree)) return fail("expected an object");
  return { file, path, tree, comments: assigned(lines) };
}

/** Returns the values of another file of the same program, `{}` if there is no such file. Throws ConfigError. */
export function treeOf(path: string, cwd: string): JsonObject {
  return existsSync(path) ? readForeign(path, cwd).tree : {};
}

export const folderOf = ({ path }: ForeignText) => dirname(path);

/**
 * Assigns each comment to a key. A comment after other text in its line belongs to the key before the comment. Any other comment belongs to
 * the next key.
 */
function assigned({ comments, keys }: Lines): Map<string, string[]> {
  const about = new Map<string, string[]>();
  for (const { line, text, isTrailing } of comments) {
    const key = isTrailing ? keys.findLast((each) => each.line <= line) : keys.find((each) => each.line > line);
    if (key && text) addTo(about, key.pointer, text);
  }
  return about;
}

function readJson(text: string, fail: Fail): Lines & { tree: unknown } {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error) {
    const before = text.slice(0, error.offset).split("\n");
    fail(`not valid JSON: ${printParseErrorCode(error.error)}`, before.length, (before.at(-1)?.length ?? 0) + 1);
  }
  const keys: KeyLine[] = [];
  const comments: CommentLine[] = [];
  const lines = text.split("\n");
  visitJson(text, {
    onObjectProperty: (property, _offset, _length, line, _character, path) => {
      keys.push({ line: line + 1, pointer: [...path(), property].reduce<string>(child, "") });
    },
    onComment: (offset, length, line, character) => {
      const isTrailing = lines[line]?.slice(0, character).trim() !== "";
      const words = text.slice(offset, offset + length).replace(/^\/[/*]+|(?<!\*)\*+\/$/g, "");
      for (const [index, each] of words.split("\n").entries()) {
        comments.push({ line: line + 1 + index, text: each.replace(/^\s*\* ?/, "").trim(), isTrailing });
      }
    },
  });
  return { tree: root && plainValue(root), keys, comments };
}

/** Returns the value of a JSON node. A key `__proto__` becomes an ordinary key. */
function plainValue({ type, children = [], value }: JsonNode): unknown {
  if (type === "array") return children.map(plainValue);
  if (type !== "object") return value;
  return Object.fromEntries(
    children.map(({ children: [key, inner] = [] }) => [String(key?.value), inner ? plainValue(inner) : null]),
  );
}

/** Token that the YAML lexer puts before each scalar. It is needed because a scalar may begin with `#`, like a comment. */
const scalarMark = "\u001f";
/** Tokens of the YAML lexer that do not occur in the text of the file. */
const marks = ["\u0002", "\u0018", scalarMark];

function yamlLines(text: string): Lines {
  const lineCounter = new LineCounter();
  const keys: KeyLine[] = [];
  visit(parseDocument(text, { lineCounter, uniqueKeys: false }), {
    Pair(_, pair, ancestors) {
      if (!isScalar(pair.key) || !pair.key.range) return;
      const pointer = [...ancestors, pair].filter(isPair).reduce((at, { key }) => child(at, nameOf(key)), "");
      if (!ancestors.some(isSeq)) keys.push({ line: lineCounter.linePos(pair.key.range[0]).line, pointer });
    },
  });
  const comments: CommentLine[] = [];
  let line = 1;
  let isBlank = true;
  let before = "";
  for (const token of new Lexer().lex(text)) {
    if (token.startsWith("#") && before !== scalarMark) {
      comments.push({ line, text: token.replace(/^#+/, "").trim(), isTrailing: !isBlank });
    }
    const lineEnds = token.split("\n").length - 1;
    line += lineEnds;
    if (lineEnds > 0) isBlank = true;
    if (!marks.includes(token) && token.split("\n").at(-1)?.trim()) isBlank = false;
    before = token;
  }
  return { keys, comments };
}

const nameOf = (key: unknown) => String(isScalar(key) ? key.value : key);
