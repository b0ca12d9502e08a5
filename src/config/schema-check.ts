/** The check of a configuration against its schema. The bundle of the command line has this module as code made of the schema (scripts/bundle.mjs). */
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { schemaFormats } from "./schema-formats.js";

/**
 * For one small tree at every start: checking the schema is a test's work.
 * @public of the bundle
 */
export const checkOptions = {
  allErrors: true,
  verbose: true,
  useDefaults: true,
  allowUnionTypes: true,
  meta: false,
  validateSchema: false,
  formats: schemaFormats,
} as const;

/** Fills in the defaults of the schema, in place. */
export function schemaCheck(schema: object): (tree: object) => ErrorObject[] {
  // Optimising costs more than it saves.
  const check: ValidateFunction = new Ajv({ ...checkOptions, code: { optimize: false } }).compile(schema);
  return (tree) => (check(tree) ? [] : (check.errors ?? []));
}
