import { isJson, type Json } from "./refusal.js";

/**
 * The fields that a vendor knows. `undefined` stands for any value. A list has one shape for its members; a union is told by the field
 * `by`, whose value is part of Anthropic's paths.
 */
export type Shape =
  | undefined
  | { fields: Record<string, Shape> }
  | { list: Shape }
  | { by: string; of: Record<string, Shape> };

export const fields = (names: string, nested: Record<string, Shape> = {}): { fields: Record<string, Shape> } => ({
  fields: { ...Object.fromEntries(names.split(" ").map((name) => [name, undefined])), ...nested },
});
export const list = (of: Shape): Shape => ({ list: of });

export interface Unknown {
  /** Keys and indexes down to the object that has the unknown field. */
  path: (string | number)[];
  /** The same with the tags of unions in it. */
  taggedPath: (string | number)[];
  name: string;
  value: unknown;
  /** The tag of a union is unknown, not a field. */
  isTag: boolean;
}

/** Returns the first field that the shape does not have, in order of the body. */
export function firstUnknown(
  value: unknown,
  shape: Shape,
  path: (string | number)[] = [],
  taggedPath = path,
): Unknown | undefined {
  if (!shape) return undefined;
  if ("list" in shape) {
    if (!Array.isArray(value)) return undefined;
    for (const [index, member] of value.entries()) {
      const found = firstUnknown(member, shape.list, [...path, index], [...taggedPath, index]);
      if (found) return found;
    }
    return undefined;
  }
  if (!isJson(value)) return undefined;
  if ("by" in shape) {
    const tag = String(value[shape.by] ?? "");
    if (!(tag in shape.of)) return { path, taggedPath, name: tag, value, isTag: true };
    return firstUnknown(value, shape.of[tag], path, [...taggedPath, tag]);
  }
  return firstUnknownField(value, shape.fields, path, taggedPath);
}

function firstUnknownField(
  value: Json,
  known: Record<string, Shape>,
  path: (string | number)[],
  taggedPath: (string | number)[],
): Unknown | undefined {
  for (const [name, inner] of Object.entries(value)) {
    if (!Object.hasOwn(known, name)) return { path, taggedPath, name, value: inner, isTag: false };
    const found = firstUnknown(inner, known[name], [...path, name], [...taggedPath, name]);
    if (found) return found;
  }
  return undefined;
}

/** `input[2].content[0].x` */
export const bracketPath = (path: (string | number)[]): string =>
  path.map((key, index) => (typeof key === "number" ? `[${key}]` : index === 0 ? key : `.${key}`)).join("");
