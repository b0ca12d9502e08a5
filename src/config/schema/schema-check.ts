/**
 * Checks a configuration against its schema. In the bundle of the command line, `scripts/bundle.mjs` replaces this module by code that is
 * generated from the schema.
 */
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { schemaFormats } from "../../core/source/schema-messages.js";

/**
 * Compiler options for a check that runs once at each start, on a small tree. The schema itself is not validated here, because a test
 * validates it.
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

/** Returns a function that checks a tree and returns the errors. The function also adds the schema's defaults to the tree in place. */
export function schemaCheck(schema: object): (tree: object) => ErrorObject[] {
  // The generated code is not optimised, because the optimisation takes longer than it saves.
  const check: ValidateFunction = new Ajv({ ...checkOptions, code: { optimize: false } }).compile(schema);
  return (tree) => (check(tree) ? [] : (check.errors ?? []));
}
