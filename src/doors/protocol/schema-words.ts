/**
 * Small JSON Schemas (2020-12) from which the message schemas are built. The schemas allow additional fields, because a newer client or
 * host may send more fields.
 */
import type { JsonSchema } from "../../core/messages.js";

export const text: JsonSchema = { type: "string" };
export const name: JsonSchema = { type: "string", minLength: 1 };
export const flag: JsonSchema = { type: "boolean" };
export const number: JsonSchema = { type: "number" };
export const count: JsonSchema = { type: "integer", minimum: 0 };
export const position: JsonSchema = { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER };
export const temperature: JsonSchema = { type: "number", minimum: 0, maximum: 2 };
export const nothing: JsonSchema = { type: "null" };
export const anything: JsonSchema = {};

/** Returns a schema that also allows null. Clients may send null instead of leaving a field out. */
export const optional = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, nothing] });

export const list = (items: JsonSchema): JsonSchema => ({ type: "array", items });

export const object = (properties: Record<string, JsonSchema>, required: readonly string[] = []): JsonSchema => ({
  type: "object",
  properties,
  required,
});

/** Returns the schema of an object. All fields of `properties` are required; the fields of `more` are optional. */
export const whole = (properties: Record<string, JsonSchema>, more: Record<string, JsonSchema> = {}): JsonSchema =>
  object({ ...properties, ...more }, Object.keys(properties));

const file = { data: name, mime_type: name };

/** Content of a message that a client sends. */
export const sentContent: JsonSchema = {
  ...list({
    anyOf: [
      whole({ type: { const: "text" }, text }),
      whole({ type: { enum: ["image", "audio"] }, ...file }),
      whole({ type: { const: "file" }, ...file }, { name: optional(text) }),
      whole({ type: { const: "resource_link" }, uri: name }, { name: optional(text), mime_type: optional(text) }),
    ],
  }),
  minItems: 1,
};
