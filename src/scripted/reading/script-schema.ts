/** Provides the JSON Schema of script files. Editors and the code that reads scripts use it. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { schemaFormats } from "../../core/source/schema-messages.js";

export const schemaText = () => readFileSync(fileURLToPath(new URL("../session.schema.json", import.meta.url)), "utf8");

let compiled: ValidateFunction | undefined;

/** Returns the errors of a script. Each error has `parentSchema` and `data`. */
export function schemaErrors(tree: unknown): ErrorObject[] {
  compiled ??= compile();
  return compiled(tree) ? [] : (compiled.errors ?? []);
}

function compile(): ValidateFunction {
  const options = { allErrors: true, verbose: true, allowUnionTypes: true, meta: false, validateSchema: false };
  return new Ajv({ ...options, formats: schemaFormats }).compile(JSON.parse(schemaText()));
}
