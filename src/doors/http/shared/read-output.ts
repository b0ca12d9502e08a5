/** Reads the format that a call requires for the answer: `response_format`, `text.format` or `output_config.format`. */
import type { JsonSchema, OutputFormat } from "../../../core/messages.js";
import { checkSchema } from "../../../core/schemas/caller-schemas.js";
import { object, optional, text, flag as trueOrFalse } from "../../protocol/schema-words.js";
import { ApiError } from "./api-errors.js";

const named = {
  name: optional(text),
  description: optional(text),
  schema: { type: "object" },
  strict: optional(trueOrFalse),
};
const kinds = (...names: string[]) => ({ type: { enum: names } });

/** Schema of the format in Chat Completions. That API puts the JSON schema into a separate object. */
export const responseFormat = optional(
  object({ ...kinds("text", "json_object", "json_schema"), json_schema: object(named, ["schema"]) }, ["type"]),
);
/** Schema of the format in Responses. */
export const textFormat = optional(object({ ...kinds("text", "json_object", "json_schema"), ...named }, ["type"]));
/** Schema of the format in Messages. */
export const outputFormat = optional(object({ ...kinds("json_schema"), schema: named.schema }, ["type", "schema"]));

export interface FormatBody {
  type: "text" | "json_object" | "json_schema";
  name?: string | null;
  schema?: JsonSchema;
  strict?: boolean | null;
}

/**
 * Reads a format. Resolves with undefined if any text is valid. Rejects with ApiError if the JSON schema cannot be used. `param` is the path of the
 * format in the call.
 */
export async function readOutput(
  format: FormatBody | null | undefined,
  param: string,
): Promise<OutputFormat | undefined> {
  if (!format || format.type === "text") return undefined;
  if (format.type === "json_object") return { jsonSchema: { type: "object" } };
  const { name, schema, strict } = format;
  if (!schema) throw refused("the schema is missing", param);
  if (name && !/^[a-zA-Z0-9_-]{1,64}$/.test(name)) throw refused("a name has 1 to 64 letters, digits, _ and -", param);
  const problem = await checkSchema(schema);
  if (problem !== undefined) throw refused(problem, param);
  return { jsonSchema: schema, ...(name ? { name } : {}), ...(strict === true ? { strict } : {}) };
}

function refused(text: string, param: string): ApiError {
  return new ApiError(400, "invalid_json_schema", `${param}: ${text}`, param);
}
