/**
 * The check of a configuration against its schema. In the command line's bundle, code generated from the schema replaces this module
 * (scripts/bundle.mjs).
 */
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { schemaFormats } from "./schema-formats.js";

/**
 * Options for checking one small tree at each start. The schema itself is not checked here, because a test does that.
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

/** Returns a function that checks a tree, and adds the schema's defaults to it in place. */
export function schemaCheck(schema: object): (tree: object) => ErrorObject[] {
  // Not optimised, because optimising takes longer than it saves.
  const check: ValidateFunction = new Ajv({ ...checkOptions, code: { optimize: false } }).compile(schema);
  return (tree) => (check(tree) ? [] : (check.errors ?? []));
}
