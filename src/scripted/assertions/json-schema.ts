/** Reads the schema of an assertion, as promptfoo does: JSON Schema draft 7 with formats. An unknown keyword is an error. */

import { Ajv } from "ajv";
import { Ajv2019 } from "ajv/dist/2019.js";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { load } from "js-yaml";
import { messageOf } from "../../core/errors.js";
import { isPlainObject, type JsonObject } from "../../core/json.js";
import { violationWithin } from "../../core/schemas/structured-output.js";
import type { AssertionProblem } from "./kind.js";
import { containsTemplate, shown } from "./words.js";

interface SchemaValue {
  isGiven: boolean;
  /**
   * Returns a text that says how the value violates the schema. Undefined if the value is valid. Throws RequestError if the check takes too
   * long.
   */
  violation(value: unknown): string | undefined;
}

/** Reads the optional schema of an assertion. The schema is an object, or a text in YAML or JSON. */
export function readSchemaValue(value: unknown): SchemaValue | AssertionProblem {
  if (value === undefined || value === null || value === "") return { isGiven: false, violation: () => undefined };
  // A schema text with templates cannot be checked yet, because the variables are not known.
  if (typeof value === "string" && containsTemplate(value)) return { isGiven: true, violation: () => undefined };
  const schema = typeof value === "string" ? parsed(value) : value;
  if (!isPlainObject(schema)) return { problem: `expected value to be a JSON Schema, got ${shown(value)}` };
  try {
    // Each schema gets its own Ajv, because two schemas may have the same `$id`.
    const ajv = new (dialectOf(schema))({
      strictSchema: true,
      strictTypes: false,
      strictTuples: false,
      allErrors: true,
      logger: false,
    });
    addFormats.default(ajv);
    const validate = ajv.compile(schema);
    if ("$async" in validate) return { problem: "the schema must not be $async" };
    return { isGiven: true, violation: (json) => violationWithin(validate, json) };
  } catch (error) {
    return { problem: `the schema cannot be used: ${messageOf(error)}` };
  }
}

function parsed(text: string): unknown {
  try {
    return load(text);
  } catch {
    return undefined;
  }
}

function dialectOf({ $schema }: JsonObject) {
  if (/draft\/2020-12/.test(String($schema))) return Ajv2020;
  return /draft\/2019-09/.test(String($schema)) ? Ajv2019 : Ajv;
}
