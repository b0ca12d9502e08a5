import { existsSync } from "node:fs";
import { type Node as JsonNode, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import { parse as parseToml, TomlError } from "smol-toml";
import { ConfigError } from "../../core/errors.js";
import { isDeeperThan, isPlainObject, type JsonObject } from "../../core/json.js";
import { displayName, parseSource, readSource, readText } from "../../core/source/source.js";

export interface ForeignFile {
  /** Path of the file, in the form in which it is displayed. */
  file: string;
  /** Absolute path of the file. */
  path: string;
  tree: JsonObject;
}

/** Deepest nesting of a file that is imported. What reads its values needs some stack for each level. */
const maxLevels = 500;

/** Reads a file. An extension of YAML or TOML decides the format; any other file is read as JSON with comments. Throws ConfigError. */
export function readForeign(path: string, cwd: string): ForeignFile {
  const file = displayName(path, cwd);
  const fail = failing(file);
  return { file, path, tree: shallow(() => parsed(path, cwd, fail), fail) };
}

/** Reads a text. `extension` names the format, as for a file. Throws ConfigError, in which `file` is the name of the text. */
export function readForeignText(text: string, extension: "json" | "toml" | "yaml", file: string): JsonObject {
  const fail = failing(file);
  if (extension === "yaml") return parseSource(text, file);
  return shallow(() => (extension === "toml" ? tomlValue(text, fail) : jsonValue(text, fail)), fail);
}

function failing(file: string): Fail {
  return (message, line = 0, column = 0) => {
    throw new ConfigError([{ file, line, column, path: "", message }]);
  };
}

function shallow(parsed: () => unknown, fail: Fail): JsonObject {
  try {
    const tree = parsed();
    if (!isPlainObject(tree)) return fail("expected an object");
    if (isDeeperThan(maxLevels, tree)) throw new RangeError();
    return tree;
  } catch (error) {
    // Parsers throw this error at the end of the stack.
    if (error instanceof RangeError) return fail(`is nested more than ${maxLevels} levels deep`);
    throw error;
  }
}

/** Returns the values of another file of the same program, `{}` if there is no such file. Throws ConfigError. */
export function treeOf(path: string, cwd: string): JsonObject {
  return existsSync(path) ? readForeign(path, cwd).tree : {};
}

type Fail = (message: string, line?: number, column?: number) => never;

function parsed(path: string, cwd: string, fail: Fail): unknown {
  if (/\.ya?ml$/i.test(path)) return readSource(path, cwd).tree;
  const read = readText(path);
  if ("problem" in read) return fail(read.problem);
  return /\.toml$/i.test(path) ? tomlValue(read.text, fail) : jsonValue(read.text, fail);
}

function tomlValue(text: string, fail: Fail): unknown {
  try {
    return parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Only the first line of the message is used. The other lines quote the file, which may contain a secret.
    const [what = ""] = error.message.split("\n");
    return fail(`not valid TOML: ${what.replace(/^Invalid TOML document: /, "")}`, error.line, error.column);
  }
}

function jsonValue(text: string, fail: Fail): unknown {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error) {
    const before = text.slice(0, error.offset).split("\n");
    fail(`not valid JSON: ${printParseErrorCode(error.error)}`, before.length, (before.at(-1)?.length ?? 0) + 1);
  }
  return root && plainValue(root);
}

/** Returns the value of a JSON node. A key `__proto__` becomes an ordinary key. */
function plainValue({ type, children = [], value }: JsonNode): unknown {
  if (type === "array") return children.map(plainValue);
  if (type !== "object") return value;
  return Object.fromEntries(
    children.map(({ children: [key, inner] = [] }) => [String(key?.value), inner ? plainValue(inner) : null]),
  );
}
