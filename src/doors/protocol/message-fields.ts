/** Types of fields in a client's messages. Each type has its check and its JSON Schema in one object. */

import { isPlainObject } from "../../core/json.js";
import { type Effort, efforts, type JsonSchema } from "../../core/messages.js";
import type { SeenEvent } from "../shared/seen-event.js";
import type { SentPart } from "../shared/sent-part.js";
import * as words from "./schema-words.js";

/** A type of field. `Value` is the type that the parser returns. */
export interface Field<Value> {
  schema: JsonSchema;
  /** Second half of the error message for a wrong value. The first half is the name of the field, such as `"payload.text"`. */
  must: string;
  accepts(value: unknown): boolean;
  isRequired: boolean;
  /** Set if `null` is a valid value. Otherwise `null` means that the field is absent. */
  takesNull?: true;
  /** Value that the parser returns for an absent field. */
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

export const seenEvent: Field<SeenEvent | undefined> = {
  schema: words.whole({ seq: words.position, turn_id: words.name }),
  must: "must be an object with a seq and a turn_id",
  accepts: (value) => isPlainObject(value) && position.accepts(value.seq) && name.accepts(value.turn_id),
  isRequired: false,
};

export const texts: Field<Record<string, string> | undefined> = {
  schema: { type: "object", additionalProperties: words.text },
  must: "must be an object of strings",
  accepts: (value) => isPlainObject(value) && Object.values(value).every(isText),
  isRequired: false,
};

const isOptionalText = (value: unknown) => value === undefined || value === null || isText(value);

function isSentPart(part: unknown): part is SentPart {
  if (!isPlainObject(part)) return false;
  if (part.type === "text") return isText(part.text);
  if (part.type === "resource_link") {
    return name.accepts(part.uri) && isOptionalText(part.name) && isOptionalText(part.mime_type);
  }
  const isFile = part.type === "file" || part.type === "image" || part.type === "audio";
  return isFile && name.accepts(part.data) && name.accepts(part.mime_type) && isOptionalText(part.name);
}

export const sentContent: Field<readonly SentPart[] | undefined> = {
  schema: words.sentContent,
  must: "must be a list of parts of the types text, image, audio, file and resource_link",
  accepts: (value) => Array.isArray(value) && value.length > 0 && value.every(isSentPart),
  isRequired: false,
};

export const temperature: Field<number | undefined> = {
  schema: words.temperature,
  must: "must be a number from 0 to 2",
  accepts: (value) => typeof value === "number" && value >= 0 && value <= 2,
  isRequired: false,
};

export const effort: Field<Effort | undefined> = {
  schema: { enum: [...efforts] },
  must: `must be one of ${efforts.join(", ")}`,
  accepts: (value) => (efforts as readonly unknown[]).includes(value),
  isRequired: false,
};

export const names: Field<readonly string[] | undefined> = {
  schema: words.list(words.name),
  must: "must be a list of non-empty strings",
  accepts: (value) => Array.isArray(value) && value.every(name.accepts),
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

export const or = <Value>(field: Field<Value | undefined>, otherwise: Value): Field<Value> =>
  ({ ...field, otherwise }) as Field<Value>;

/** Returns the JSON Schema of the field in a message. An optional field may also be null. */
export function fieldSchema({ schema, isRequired, takesNull, otherwise }: Field<unknown>): JsonSchema {
  if (isRequired || takesNull) return schema;
  return { ...words.optional(schema), ...(otherwise === undefined ? {} : { default: otherwise }) };
}
