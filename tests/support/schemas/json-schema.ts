import { Ajv2020 } from "ajv/dist/2020.js";

const ajv = new Ajv2020({ strict: false, logger: false, validateFormats: false });

/**
 * Returns why a schema is not a JSON Schema of draft 2020-12; undefined if it is one. A schema that names another draft is read as 2020-12
 * too.
 */
export function schemaProblem(schema: Record<string, unknown>): string | undefined {
  const { $schema: _, ...rest } = schema;
  if (ajv.validateSchema(rest) === true) return undefined;
  const [error] = ajv.errors ?? [];
  return `${error?.instancePath}: ${error?.message}`;
}
