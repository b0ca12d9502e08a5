import { resolve } from "node:path";
import { byPosition, ConfigError, type ConfigProblem } from "../../core/errors.js";
import { isPlainObject } from "../../core/json.js";
import { addAll } from "../../core/lists/long-lists.js";
import { describeSchemaError } from "../../core/source/schema-messages.js";
import { displayName, objectSource, readSource, type Source, type SourceProblem } from "../../core/source/source.js";
import { child, keyPath } from "../../core/source/tree.js";
import type { ScriptPosition } from "../shared/script-position.js";
import { templateProblem } from "../shared/templates.js";
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

  /** Reports every text in the value that has an invalid template. */
  checkTemplates(pointer: string, value: unknown): void {
    if (typeof value === "string") {
      const message = templateProblem(value);
      if (message !== undefined) this.complain({ pointer, part: "value", message });
    } else if (Array.isArray(value) || isPlainObject(value)) {
      for (const [key, item] of Object.entries(value)) this.checkTemplates(child(pointer, key), item);
    }
  }

  /**
   * Opens a file that the step at `at` includes, and checks its variables. If the file cannot be read or includes itself, reports a problem
   * and returns undefined.
   */
  openInclude(file: string, at: string, cwd: string): ScriptDocument | undefined {
    const path = this.resolve(file);
    const complain = (message: string) => this.complain({ pointer: child(at, "include"), part: "value", message });
    if (this.chain.includes(path)) {
      const names = [...this.chain, path].map((each) => displayName(each, cwd));
      complain(`it includes itself: ${names.join(" -> ")}`);
      return undefined;
    }
    try {
      const included = ScriptDocument.read(path, cwd, this.chain);
      included.checkVariables("/vars", included.source.tree.vars);
      return included;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const [first] = error.problems;
      if (first?.line === 0) complain(`${first.file}: ${first.message}`);
      else addAll(this.problems, error.problems);
      return undefined;
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
