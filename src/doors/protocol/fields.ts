/** Reads JSON from other programs field by field. An error message says which field is wrong. */
import { isPlainObject, jsonProblem, parseJson } from "../../core/json.js";

/** An error in received JSON. The message is addressed to the sender. */
export class MessageProblem extends Error {}

/** Parses one JSON text. Throws MessageProblem. */
export function parseLine(line: string): unknown {
  const message = parseJson(line);
  if (message === undefined) throw new MessageProblem(`not JSON: ${jsonProblem(line)}`);
  return message;
}

/** Returns the value. Throws MessageProblem if it is undefined. */
export function requiredValue<T>(value: T | undefined, path: string): T {
  if (value === undefined) throw new MessageProblem(`"${path}" is missing`);
  return value;
}

/**
 * Reads the optional fields of one object. A field is checked when it is read: a wrong field throws MessageProblem. `null` counts as
 * absent.
 */
export class FieldReader {
  readonly #values: Map<string, unknown>;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    if (!isPlainObject(value)) {
      throw new MessageProblem(path ? `"${path.slice(0, -1)}" must be an object` : "a message must be a JSON object");
    }
    this.#values = new Map(Object.entries(value));
    this.#path = path;
  }

  pathOf(name: string): string {
    return this.#path + name;
  }

  any(name: string): unknown {
    return this.#values.get(name);
  }

  text(name: string): string | undefined {
    const value = this.any(name) ?? undefined;
    if (value === undefined || (typeof value === "string" && value !== "")) return value;
    throw new MessageProblem(`"${this.pathOf(name)}" must be a non-empty string`);
  }

  boolean(name: string): boolean | undefined {
    const value = this.any(name) ?? undefined;
    if (value === undefined || typeof value === "boolean") return value;
    throw new MessageProblem(`"${this.pathOf(name)}" must be true or false`);
  }

  fields(name: string): FieldReader {
    return new FieldReader(this.any(name) ?? {}, `${this.pathOf(name)}.`);
  }
}
