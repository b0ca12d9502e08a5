import { isJson, type Json } from "./refusal.js";

type Kind = "string" | "number" | "boolean" | "list" | "object";

/**
 * The fields that a vendor knows. `undefined` allows any value. A list has one shape for all members. In a union, the field `by` decides
 * which shape applies; its value is part of Anthropic's paths. `null` counts as no value.
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

/** Makes the shape of an object: `fields("id text!:string strict:boolean", nested)`; `!` marks required fields. */
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
/** Makes the shape of a list that may also be a text. */
export const listOrText = (of: Shape): Shape => ({ list: of, orText: true });

type Path = (string | number)[];

export interface Fault {
  /** `tag`: the kind of a union's member is unknown. */
  fault: "unknown" | "missing" | "tag" | "type";
  /** Keys and indexes down to the field. */
  path: Path;
  /** The same path with the tags of unions. */
  taggedPath: Path;
  value: unknown;
  /** The type that a value of a wrong type should have. */
  expected?: Kind;
}

/** Returns the first fault in the order of the body: a field that is unknown, missing or of another type. */
export function firstFault(value: unknown, shape: Shape): Fault | undefined {
  if (shape === undefined || value === undefined || value === null) return undefined;
  if (typeof shape === "string") return kindOf(value) === shape ? undefined : wrongType(value, shape);
  if ("orText" in shape && shape.orText && typeof value === "string") return undefined;
  if ("list" in shape) return Array.isArray(value) ? firstMemberFault(value, shape.list) : wrongType(value, "list");
  if (!isJson(value)) return wrongType(value, "object");
  if (!("by" in shape)) return firstFieldFault(value, shape);
  const tag = String(value[shape.by] ?? "");
  if (!Object.hasOwn(shape.of, tag)) return { fault: "tag", path: [shape.by], taggedPath: [shape.by], value: tag };
  const found = firstFault(value, shape.of[tag]);
  found?.taggedPath.unshift(tag);
  return found;
}

const wrongType = (value: unknown, expected: Kind): Fault => ({
  fault: "type",
  path: [],
  taggedPath: [],
  value,
  expected,
});

/** Puts a key in front of a fault's paths. Paths are made on the way back, because most values have no fault. */
function within(key: string | number, fault: Fault): Fault {
  fault.path.unshift(key);
  fault.taggedPath.unshift(key);
  return fault;
}

function firstMemberFault(members: unknown[], shape: Shape): Fault | undefined {
  for (const [index, member] of members.entries()) {
    // A member of a list cannot be left out, so null is a wrong value.
    const isGap = member === null && shape !== undefined;
    const found = isGap ? wrongType(member, memberKind(shape)) : firstFault(member, shape);
    if (found) return within(index, found);
  }
  return undefined;
}

function firstFieldFault(value: Json, { fields: known, required }: Fields): Fault | undefined {
  for (const [name, inner] of Object.entries(value)) {
    if (!Object.hasOwn(known, name)) return { fault: "unknown", path: [name], taggedPath: [name], value: inner };
    const found = firstFault(inner, known[name]);
    if (found) return within(name, found);
  }
  const missing = required.find((name) => value[name] === undefined || value[name] === null);
  return missing === undefined
    ? undefined
    : { fault: "missing", path: [missing], taggedPath: [missing], value: undefined };
}

const memberKind = (shape: Exclude<Shape, undefined>): Kind => (typeof shape === "string" ? shape : "object");

export function kindOf(value: unknown): Kind | "null" {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  const kind = typeof value;
  return kind === "string" || kind === "number" || kind === "boolean" ? kind : "object";
}

/** Formats a path as `input[2].content[0].x`. */
export const bracketPath = (path: Path): string =>
  path.map((key, index) => (typeof key === "number" ? `[${key}]` : index === 0 ? key : `.${key}`)).join("");
