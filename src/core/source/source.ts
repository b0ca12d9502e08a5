import { readFileSync } from "node:fs";
import { dirname, isAbsolute, relative } from "node:path";
import { loadAll, YAMLException } from "js-yaml";
import { ConfigError } from "../errors.js";
import { isPlainObject, type JsonObject } from "../json.js";
import { type FindPosition, type Part, positionsOf } from "./positions.js";
import { readRegularFile } from "./regular-file.js";

export interface Source {
  /** Name of the file in messages. It is relative to the working directory if the file is below it. */
  file: string;
  /** Absolute path of the folder. Relative paths in this source are relative to this folder. */
  folder: string;
  tree: JsonObject;
  position: FindPosition;
}

/** Contents of files, keyed by absolute path. The content of a file that could not be read is undefined. */
export type FileTexts = ReadonlyMap<string, string | undefined>;

/** A mistake at a key whose position in the file is not yet known. */
export interface SourceProblem {
  pointer: string;
  part: Part;
  message: string;
}

/** Makes a source from an object. `file`: the name of the source in error messages. */
export function objectSource(tree: JsonObject, folder: string, file = "(config)"): Source {
  return { file, folder, tree, position: () => ({ line: 0, column: 0 }) };
}

/**
 * Reads YAML, which includes JSON. An empty file is an empty mapping. Throws ConfigError: the error contains the position of a syntax
 * error, or `advice` if the file is unreadable. `mayBePipe`: true if the user has named this file, so that it may be a pipe. `mayGrow`: true
 * if the file is the user's own, or the user has named it or a file that includes it, so that its aliases may repeat long texts.
 */
export function readSource(
  path: string,
  cwd: string,
  {
    advice = "",
    mayBePipe = false,
    mayGrow = mayBePipe,
  }: { advice?: string; mayBePipe?: boolean; mayGrow?: boolean } = {},
): Source & { text: string } {
  const file = displayName(path, cwd);
  const read = readText(path, mayBePipe);
  if ("problem" in read) {
    throw new ConfigError([{ file, line: 0, column: 0, path: "", message: `${read.problem}${advice}` }]);
  }
  let find: FindPosition | undefined;
  return {
    file,
    folder: dirname(path),
    text: read.text,
    tree: parseSource(read.text, file, mayGrow ? namedSize : foundSize),
    position: (pointer, part) => {
      find ??= positionsOf(read.text);
      return find(pointer, part);
    },
  };
}

/**
 * Returns the text, or the problem without the file's name. Removes a byte order mark, which would shift columns by one. Reads a pipe or a
 * device only if the user has named it (`--config <(…)`), because a pipe that somebody else put there may never end.
 */
export function readText(path: string, mayBePipe = false): { text: string } | { problem: string; isPipe?: boolean } {
  try {
    const text = mayBePipe ? readFileSync(path, "utf8") : readRegularFile(path);
    return text === undefined ? { problem: pipeProblem, isPipe: true } : { text: text.replace(/^\uFEFF/, "") };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    return { problem: unreadable[code] ?? `cannot be read (${code})` };
  }
}

const pipeProblem = "is a pipe or a device, not a file";

const unreadable: Record<string, string> = {
  ENOENT: "no such file",
  ENOTDIR: "no such file",
  EISDIR: "is a folder, not a file",
  EACCES: "permission denied",
  ENXIO: pipeProblem,
};

export function displayName(path: string, cwd: string): string {
  const below = relative(cwd, path);
  return below.startsWith("..") || isAbsolute(below) ? path : below;
}

/** Parses YAML, which includes JSON. `file` is the name of the text in errors. Throws ConfigError. */
export function parseSource(text: string, file: string, grownSize = foundSize): JsonObject {
  const fail = (message: string, line = 1, column = 1): never => {
    throw new ConfigError([{ file, line, column, path: "", message }]);
  };
  const documents = parseYaml(text, fail);
  const [tree = {}] = documents.map((document) => document ?? {});
  if (documents.length > 1) fail("expected one YAML document, found a second one after ---");
  if (!isPlainObject(tree)) return fail(`expected a mapping, got ${Array.isArray(tree) ? "a list" : "a text"}`);
  const size = sizeOf(tree);
  if (size === Infinity) fail("an alias (*name) stands inside its own anchor (&name)");
  if (size > Math.max(grownSize, 10 * text.length)) fail("aliases (*name) make it more than ten times as large");
  return tree;
}

function parseYaml(text: string, fail: (message: string, line?: number, column?: number) => never): unknown[] {
  try {
    return loadAll(text);
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const { line, column, position } = error.mark ?? { line: 0, column: 0, position: 0 };
    return fail(syntaxMessage(error.reason, text, position), line + 1, column + 1);
  }
}

/** Returns js-yaml's reason without the tag, alias or text that it may quote. Such a quotation can be the start of an unquoted secret. */
function syntaxMessage(reason: string, text: string, position: number): string {
  if (reason === "duplicated mapping key") {
    return `duplicate key "${/["']?([^"':\s]*)/.exec(text.slice(position))?.[1]}"`;
  }
  const advice = text.startsWith("${", position - 1) ? ` (a text with \${…} needs quotes here)` : "";
  return `not valid YAML: ${reason.replace(/!<.*>|".*"|(?<=such characters: ).*/s, "…")}${advice}`;
}

/** Size up to which aliases may make a file grow that somebody else may have put there. Such a file must not keep a command busy. */
const foundSize = 1_000_000;
/** Size up to which aliases may make a file grow that the user has named, such as a script that repeats a long text in each step. */
const namedSize = 16_000_000;
/** Size of a value without its text. A file without aliases is less than ten times as large as its text: a value takes two characters. */
const valueSize = 10;

/**
 * Returns the size of the tree with all aliases expanded, because a few lines of aliases could expand to billions of values or characters.
 * Returns Infinity if an alias is inside the value that it refers to.
 */
function sizeOf(tree: JsonObject): number {
  const sizes = new Map<object, number>();
  const size = (value: unknown): number => {
    if (typeof value === "string") return valueSize + value.length;
    if (typeof value !== "object" || value === null) return valueSize;
    const known = sizes.get(value);
    if (known !== undefined) return known;
    sizes.set(value, Infinity);
    const sum = Object.entries(value).reduce((total, [key, item]) => total + key.length + size(item), valueSize);
    sizes.set(value, sum);
    return sum;
  };
  return size(tree);
}
