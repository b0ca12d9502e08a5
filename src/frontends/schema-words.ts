/** JSON Schema 2020-12 parts of the doors' schemas. Unnamed fields are allowed: a newer client or host sends more. */
import type { JsonSchema } from "../core/chat.js";

export const text: JsonSchema = { type: "string" };
export const name: JsonSchema = { type: "string", minLength: 1 };
export const flag: JsonSchema = { type: "boolean" };
export const number: JsonSchema = { type: "number" };
export const count: JsonSchema = { type: "integer", minimum: 0 };
export const position: JsonSchema = { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER };
export const nothing: JsonSchema = { type: "null" };
export const anything: JsonSchema = {};

/** Allows null, which clients send for a field that they leave out. */
export const optional = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, nothing] });

export const list = (items: JsonSchema): JsonSchema => ({ type: "array", items });

export const object = (properties: Record<string, JsonSchema>, required: readonly string[] = []): JsonSchema => ({
  type: "object",
  properties,
  required,
});

/** Returns an object schema that requires all of `properties` and allows `more`. */
export const whole = (properties: Record<string, JsonSchema>, more: Record<string, JsonSchema> = {}): JsonSchema =>
  object({ ...properties, ...more }, Object.keys(properties));
