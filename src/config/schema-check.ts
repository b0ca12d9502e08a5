/**
 * Check of a configuration against its schema. The command line's bundle replaces this module by code generated from the schema
 * (scripts/bundle.mjs).
 */
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { schemaFormats } from "./schema-formats.js";

/**
 * Options for one small tree per start. A test checks the schema itself.
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

/** Returns a check that fills in the schema's defaults in place. */
export function schemaCheck(schema: object): (tree: object) => ErrorObject[] {
  // Optimising costs more than it saves.
  const check: ValidateFunction = new Ajv({ ...checkOptions, code: { optimize: false } }).compile(schema);
  return (tree) => (check(tree) ? [] : (check.errors ?? []));
}
