import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";

type Definition = { "x-method"?: string };
const schema = JSON.parse(readFileSync("node_modules/@agentclientprotocol/sdk/schema/v1/schema.json", "utf8")) as {
  $defs: Record<string, Definition>;
};
const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema(schema, "acp");

/** Returns what the SDK's schema has against a message's parameters, result or error; undefined if nothing. */
export function acpProblem(
  value: unknown,
  kind: "Request" | "Response" | "Notification" | "Error",
  method: string,
): string | undefined {
  const name = kind === "Error" ? kind : nameOf(method, kind);
  const validator = name && ajv.getSchema(`acp#/$defs/${name}`);
  if (!validator) throw new Error(`the schema has no ${kind} of ${method}`);
  return validator(value) === true ? undefined : ajv.errorsText(validator.errors);
}

function nameOf(method: string, kind: string): string | undefined {
  return Object.keys(schema.$defs).find(
    (known) => schema.$defs[known]?.["x-method"] === method && known.endsWith(kind),
  );
}
