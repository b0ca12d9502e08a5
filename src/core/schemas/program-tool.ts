import { RequestError } from "../errors.js";
import type { JsonSchema } from "../messages.js";
import type { ProgramTool, ToolContext, ToolTraits } from "../ports.js";
import { isObjectSchema, jsonSchemaOf, type ObjectSchema, problemsOf } from "./object-schema.js";

/**
 * Runs a call. A text, or content blocks of MCP such as `{ content: [{ type: "image", data, mimeType }] }`, become the result unchanged.
 * Any other value is given to the model as JSON, and undefined as "done". An error that is thrown becomes a failed call, whose message the model reads.
 */
type Execute<Args> = (args: Args, context: ToolContext) => unknown;

interface Typed<Schema, Args> extends ToolTraits {
  inputSchema: Schema;
  execute: Execute<Args>;
}

/**
 * Makes a tool of a function. `inputSchema` is a schema of any library that follows Standard Schema and can state itself as JSON Schema, such
 * as Zod from 4.2 on, or a JSON Schema. Throws RequestError if it is not the schema of an object.
 */
export function tool<Args>(given: Typed<ObjectSchema<Args>, Args>): ProgramTool;
export function tool<Args = Record<string, unknown>>(given: Typed<JsonSchema, Args>): ProgramTool;
export function tool<Args>(given: Typed<ObjectSchema<Args> | JsonSchema, Args>): ProgramTool {
  const { inputSchema: schema, execute, ...traits } = given;
  const inputSchema = isObjectSchema(schema) ? jsonSchemaOf(schema) : schema;
  if (inputSchema.type !== "object") {
    throw new RequestError("usage", `the inputSchema of the tool ${given.name} must have "type": "object" at its top`);
  }
  const call: ProgramTool["call"] = async (args, context) => {
    if (!isObjectSchema(schema)) return execute(args as Args, context);
    const checked = await schema["~standard"].validate(args);
    if (!checked.issues) return execute(checked.value, context);
    throw new Error(problemsOf(checked.issues));
  };
  return { ...traits, inputSchema, call };
}
