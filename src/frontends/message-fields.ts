/** Kinds of fields that a client's messages have. What checks a field and what describes it are one thing. */
import type { JsonSchema } from "../core/chat.js";
import * as words from "./schema-words.js";

/** `Value`: what the parser gives for it. */
export interface Field<Value> {
  schema: JsonSchema;
  /** What is said of a value that is none: `"payload.text" must be …`. */
  must: string;
  accepts(value: unknown): boolean;
  isRequired: boolean;
  /** `null` is a value like any other; else it counts as left out. */
  takesNull?: true;
  /** What a field that was left out counts as. */
  otherwise?: Value;
}

const isText = (value: unknown): value is string => typeof value === "string";

export const name: Field<string | undefined> = {
  schema: words.name,
  must: "must be a non-empty string",
  accepts: (value) => isText(value) && value !== "",
  isRequired: false,
};

export const text: Field<string | undefined> = {
  schema: words.text,
  must: "must be a string",
  accepts: isText,
  isRequired: false,
};

export const flag: Field<boolean | undefined> = {
  schema: words.flag,
  must: "must be true or false",
  accepts: (value) => typeof value === "boolean",
  isRequired: false,
};

export const position: Field<number | undefined> = {
  schema: words.position,
  must: "must be a whole number from 1",
  accepts: (value) => typeof value === "number" && Number.isSafeInteger(value) && value >= 1,
  isRequired: false,
};

export const texts: Field<Record<string, string> | undefined> = {
  schema: { type: "object", additionalProperties: words.text },
  must: "must be an object of strings",
  accepts: (value) => isObject(value) && Object.values(value).every(isText),
  isRequired: false,
};

export const anything: Field<unknown> = {
  schema: words.anything,
  must: "",
  accepts: () => true,
  isRequired: false,
  takesNull: true,
};

export const required = <Value>(field: Field<Value | undefined>): Field<Value> =>
  ({ ...field, isRequired: true }) as Field<Value>;

/** The field, or this when it was left out. */
export const or = <Value>(field: Field<Value | undefined>, otherwise: Value): Field<Value> =>
  ({ ...field, otherwise }) as Field<Value>;

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** As it may stand in a message. */
export function fieldSchema({ schema, isRequired, takesNull, otherwise }: Field<unknown>): JsonSchema {
  if (isRequired || takesNull) return schema;
  return { ...words.optional(schema), ...(otherwise === undefined ? {} : { default: otherwise }) };
}
