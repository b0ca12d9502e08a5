import { schemaProblem } from "../schemas/json-schema.js";
import { isJson, type Json, Refusal } from "./refusal.js";

/** Refuses a function tool that OpenAI refuses. `at` is the list, `schemaKey` the field of the schema; both go into `param`. */
export function checkOpenAiTool(tool: Json, index: number, isStrict: boolean, at: string, schemaKey: string): void {
  const name = String(tool.name);
  const param = `${at}[${index}].name`;
  if (name.length > 64)
    throw new Refusal(
      `Invalid '${param}': string too long. Expected a string with maximum length 64, but got a string with length ${name.length} instead.`,
      { code: "string_above_max_length", param },
    );
  if (!/^[a-zA-Z0-9_-]+$/.test(name))
    throw new Refusal(
      `Invalid '${param}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.`,
      { code: "invalid_value", param },
    );
  const schema = tool.parameters;
  if (!isJson(schema)) return;
  const problem = topLevelProblem(schema) ?? nestedProblem(schema, [], isStrict) ?? schemaProblem(schema);
  if (problem)
    throw new Refusal(`Invalid schema for function '${name}': ${problem}`, {
      code: "invalid_function_parameters",
      param: `${at}[${index}].${schemaKey}`,
    });
}

/** Refuses a schema of structured output that OpenAI refuses. `param`: its place in the request. */
export function checkOpenAiFormat({ name, schema, strict }: Json, param: string): void {
  if (!isJson(schema)) return;
  const problem = topLevelProblem(schema) ?? nestedProblem(schema, [], strict === true) ?? schemaProblem(schema);
  if (problem)
    throw new Refusal(`Invalid schema for response_format '${name}': ${problem}`, {
      code: "invalid_json_schema",
      param,
    });
}

function topLevelProblem(schema: Json): string | undefined {
  if (schema.type !== "object")
    return `schema must be a JSON Schema of 'type: "object"', got 'type: "${schema.type ?? "None"}"'.`;
  if (["oneOf", "anyOf", "allOf", "enum", "not"].some((keyword) => keyword in schema))
    return "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level.";
  return undefined;
}

const inContext = (path: string[]) =>
  `In context=(${path.map((key) => `'${key}'`).join(", ")}${path.length === 1 ? "," : ""})`;

/** Returns the problem of an array without items or, in strict mode, of an object that is open or has an optional property. */
function nestedProblem(schema: Json, path: string[], isStrict: boolean): string | undefined {
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  if (types.includes("array") && !isJson(schema.items) && !("prefixItems" in schema))
    return `${inContext(path)}, array schema missing items.`;
  const properties = isJson(schema.properties) ? schema.properties : {};
  if (isStrict && types.includes("object")) {
    if (schema.additionalProperties !== false)
      return `${inContext(path)}, 'additionalProperties' is required to be supplied and to be false.`;
    const required = Array.isArray(schema.required) ? schema.required : [];
    const optional = Object.keys(properties).find((name) => !required.includes(name));
    if (optional !== undefined)
      return `${inContext(path)}, 'required' is required to be supplied and to be an array including every key in properties. Missing '${optional}'.`;
  }
  const inner: [string[], unknown][] = [
    ...Object.entries(properties).map(([name, value]): [string[], unknown] => [[...path, "properties", name], value]),
    [[...path, "items"], schema.items],
    ...["anyOf", "oneOf", "allOf"].flatMap((keyword) =>
      (Array.isArray(schema[keyword]) ? (schema[keyword] as unknown[]) : []).map(
        (value, index): [string[], unknown] => [[...path, keyword, String(index)], value],
      ),
    ),
    ...["$defs", "definitions"].flatMap((keyword) =>
      Object.entries(isJson(schema[keyword]) ? schema[keyword] : {}).map(([name, value]): [string[], unknown] => [
        [...path, keyword, name],
        value,
      ]),
    ),
  ];
  for (const [where, value] of inner) {
    const problem = isJson(value) ? nestedProblem(value, where, isStrict) : undefined;
    if (problem) return problem;
  }
  return undefined;
}
