import { isJson, type Json } from "./refusal.js";

type Kind = "string" | "number" | "boolean" | "list" | "object";

/**
 * The fields that a vendor knows. `undefined` stands for any value. A list has one shape for its members; a union is told by the field
 * `by`, whose value is part of Anthropic's paths. `null` is as good as no value.
 */
export type Shape =
  | undefined
  | Kind
  | Fields
  | { list: Shape; orText: boolean }
  | { by: string; of: Record<string, Shape> };

interface Fields {
  fields: Record<string, Shape>;
  required: string[];
  orText: boolean;
}

/** Makes the shape of an object: `fields("id text!:string strict:boolean", nested)`; `!` marks what is required. */
export function fields(names: string, nested: Record<string, Shape> = {}, orText = false): Fields {
  const known: Record<string, Shape> = {};
  const required: string[] = [];
  for (const spec of names.split(" ").filter((name) => name !== "")) {
    const [marked = "", kind] = spec.split(":");
    const name = marked.replace("!", "");
    if (marked !== name) required.push(name);
    known[name] = kind as Kind | undefined;
  }
  return { fields: { ...known, ...nested }, required, orText };
}
export const list = (of: Shape): Shape => ({ list: of, orText: false });
/** A list for which a text may stand. */
export const listOrText = (of: Shape): Shape => ({ list: of, orText: true });

type Path = (string | number)[];

export interface Fault {
  /** `tag`: the kind of a union's member is unknown. */
  fault: "unknown" | "missing" | "tag" | "type";
  /** Keys and indexes down to the field. */
  path: Path;
  /** The same with the tags of unions in it. */
  taggedPath: Path;
  value: unknown;
  /** What a wrong type should be. */
  expected?: Kind;
}

/** Returns the first field that the shape does not have, that is missing or that has another type, in order of the body. */
export function firstFault(value: unknown, shape: Shape, path: Path = [], taggedPath: Path = path): Fault | undefined {
  if (shape === undefined || value === undefined || value === null) return undefined;
  const wrong = (expected: Kind): Fault => ({ fault: "type", path, taggedPath, value, expected });
  if (typeof shape === "string") return kindOf(value) === shape ? undefined : wrong(shape);
  if ("orText" in shape && shape.orText && typeof value === "string") return undefined;
  if ("list" in shape) {
    if (!Array.isArray(value)) return wrong("list");
    for (const [index, member] of value.entries()) {
      const at = [...path, index];
      const tagged = [...taggedPath, index];
      // A member cannot be left out, so null is a wrong value.
      if (member === null && shape.list !== undefined)
        return { fault: "type", path: at, taggedPath: tagged, value: member, expected: memberKind(shape.list) };
      const found = firstFault(member, shape.list, at, tagged);
      if (found) return found;
    }
    return undefined;
  }
  if (!isJson(value)) return wrong("object");
  if ("by" in shape) {
    const tag = String(value[shape.by] ?? "");
    if (!Object.hasOwn(shape.of, tag))
      return { fault: "tag", path: [...path, shape.by], taggedPath: [...taggedPath, shape.by], value: tag };
    return firstFault(value, shape.of[tag], path, [...taggedPath, tag]);
  }
  return firstFieldFault(value, shape, path, taggedPath);
}

function firstFieldFault(
  value: Json,
  { fields: known, required }: Fields,
  path: Path,
  taggedPath: Path,
): Fault | undefined {
  for (const [name, inner] of Object.entries(value)) {
    const at = [...path, name];
    const tagged = [...taggedPath, name];
    if (!Object.hasOwn(known, name)) return { fault: "unknown", path: at, taggedPath: tagged, value: inner };
    const found = firstFault(inner, known[name], at, tagged);
    if (found) return found;
  }
  const missing = required.find((name) => value[name] === undefined || value[name] === null);
  return missing === undefined
    ? undefined
    : { fault: "missing", path: [...path, missing], taggedPath: [...taggedPath, missing], value: undefined };
}

const memberKind = (shape: Exclude<Shape, undefined>): Kind => (typeof shape === "string" ? shape : "object");

export function kindOf(value: unknown): Kind | "null" {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  const kind = typeof value;
  return kind === "string" || kind === "number" || kind === "boolean" ? kind : "object";
}

/** `input[2].content[0].x` */
export const bracketPath = (path: Path): string =>
  path.map((key, index) => (typeof key === "number" ? `[${key}]` : index === 0 ? key : `.${key}`)).join("");
