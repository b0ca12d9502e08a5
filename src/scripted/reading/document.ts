import { resolve } from "node:path";
import { byPosition, ConfigError, type ConfigProblem } from "../../core/errors.js";
import { isPlainObject } from "../../core/json.js";
import { describeSchemaError } from "../../core/source/schema-messages.js";
import { objectSource, readSource, type Source, type SourceProblem } from "../../core/source/source.js";
import { child, keyPath } from "../../core/source/tree.js";
import type { ScriptPosition } from "../shared/script-position.js";
import { schemaErrors } from "./script-schema.js";

export class ScriptDocument {
  readonly problems: ConfigProblem[] = [];
  readonly source: Source;
  /** Absolute paths of the files from the first script to this file. Each file includes the next one. */
  readonly chain: readonly string[];
  readonly #broken = new Set<string>();

  constructor(source: Source, chain: readonly string[]) {
    this.source = source;
    this.chain = chain;
    // If several errors are at the same position, only the last error is kept, because it is the most specific one. The schema does not use
    // `oneOf` and similar keywords: `stepKindOf` and `checkSense` check the same things with clearer messages.
    const found = new Map<string, SourceProblem>();
    for (const error of schemaErrors(source.tree)) {
      const problem = describeSchemaError(error);
      found.set(problem.pointer, problem);
    }
    for (const problem of found.values()) {
      this.#broken.add(problem.pointer);
      this.complain(problem);
    }
  }

  /** Reads a script's file. Throws ConfigError if the file does not exist or is not a YAML mapping. */
  static read(path: string, cwd: string, chain: readonly string[] = []): ScriptDocument {
    return new ScriptDocument(readSource(path, cwd, { mayGrow: true }), [...chain, path]);
  }

  static of(tree: Readonly<Record<string, unknown>>, cwd: string): ScriptDocument {
    return new ScriptDocument(objectSource(tree, cwd, "(script)"), []);
  }

  /** Returns true if the schema accepts this value and everything in it. Otherwise the value is not checked further. */
  isSound(pointer: string): boolean {
    return ![...this.#broken].some((broken) => broken === pointer || broken.startsWith(`${pointer}/`));
  }

  complain({ pointer, part, message }: SourceProblem): void {
    const { source } = this;
    this.problems.push({ file: source.file, ...source.position(pointer, part), path: keyPath(pointer), message });
  }

  /** Reports every key that is not a valid name of a variable, and so could not be used as `{{name}}`. */
  checkVariables(pointer: string, values: unknown): void {
    for (const name of Object.keys(isPlainObject(values) ? values : {})) {
      if (/^[A-Za-z_]\w*$/.test(name)) continue;
      const message = `"${name}" is not a valid name of a variable: use letters, digits and _`;
      this.complain({ pointer: child(pointer, name), part: "key", message });
    }
  }

  position(pointer: string): ScriptPosition {
    return { file: this.source.file, line: this.source.position(pointer, "value").line };
  }

  /** Returns the absolute path of a path that is relative to this file's folder. */
  resolve(path: string): string {
    return resolve(this.source.folder, path);
  }

  /** Throws one ConfigError with all problems. Does nothing if there is no problem. */
  requireSound(): void {
    if (this.problems.length > 0) throw new ConfigError(this.problems.toSorted(byPosition));
  }
}
