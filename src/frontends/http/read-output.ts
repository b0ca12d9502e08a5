/** Answer format that a call asks for: `response_format`, `text.format`, `output_config.format`. */
import type { JsonSchema, OutputFormat } from "../../core/chat.js";
import { schemaProblem } from "../../core/structured-output.js";
import { object, optional, text, flag as trueOrFalse } from "../schema-words.js";
import { ApiError } from "./errors.js";

const named = {
  name: optional(text),
  description: optional(text),
  schema: { type: "object" },
  strict: optional(trueOrFalse),
};
const kinds = (...names: string[]) => ({ type: { enum: names } });

/** Format of Chat Completions, which has the schema in an object of its own. */
export const responseFormat = optional(
  object({ ...kinds("text", "json_object", "json_schema"), json_schema: object(named, ["schema"]) }, ["type"]),
);
/** Format of Responses. */
export const textFormat = optional(object({ ...kinds("text", "json_object", "json_schema"), ...named }, ["type"]));
/** Format of Messages. */
export const outputFormat = optional(object({ ...kinds("json_schema"), schema: named.schema }, ["type", "schema"]));

export interface FormatBody {
  type: "text" | "json_object" | "json_schema";
  name?: string | null;
  schema?: JsonSchema;
  strict?: boolean | null;
}

/** Returns undefined if any text is valid. Throws ApiError for an unusable schema; `param`: its path in the call. */
export function readOutput(format: FormatBody | null | undefined, param: string): OutputFormat | undefined {
  if (!format || format.type === "text") return undefined;
  if (format.type === "json_object") return { jsonSchema: { type: "object" } };
  const { name, schema, strict } = format;
  if (!schema) throw refused("the schema is missing", param);
  if (name && !/^[a-zA-Z0-9_-]{1,64}$/.test(name)) throw refused("a name has 1 to 64 letters, digits, _ and -", param);
  const problem = schemaProblem(schema);
  if (problem !== undefined) throw refused(problem, param);
  return { jsonSchema: schema, ...(name ? { name } : {}), ...(strict === true ? { strict } : {}) };
}

function refused(text: string, param: string): ApiError {
  return new ApiError(400, "invalid_json_schema", `${param}: ${text}`, param);
}
