/** The words that the schemas of the doors are made of (JSON Schema 2020-12). Fields that are not named may be there: a newer end sends more. */
import type { JsonSchema } from "../core/chat.js";

export const text: JsonSchema = { type: "string" };
export const name: JsonSchema = { type: "string", minLength: 1 };
export const flag: JsonSchema = { type: "boolean" };
export const number: JsonSchema = { type: "number" };
export const count: JsonSchema = { type: "integer", minimum: 0 };
export const position: JsonSchema = { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER };
export const nothing: JsonSchema = { type: "null" };
export const anything: JsonSchema = {};

/** Clients send null for what they leave out. */
export const optional = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, nothing] });

export const list = (items: JsonSchema): JsonSchema => ({ type: "array", items });

export const object = (properties: Record<string, JsonSchema>, required: readonly string[] = []): JsonSchema => ({
  type: "object",
  properties,
  required,
});

/** An object that has all of `properties`, and may have `more`. */
export const whole = (properties: Record<string, JsonSchema>, more: Record<string, JsonSchema> = {}): JsonSchema =>
  object({ ...properties, ...more }, Object.keys(properties));
