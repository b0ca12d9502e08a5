import type { JsonSchema } from "../messages.js";

/** A schema that follows Standard Schema and can state itself as JSON Schema, such as one of Zod from 4.2 on. */
export interface ObjectSchema<Output> {
  readonly "~standard": {
    validate(value: unknown): Validated<Output> | Promise<Validated<Output>>;
    readonly jsonSchema: { input(options: { target: "draft-2020-12" }): Record<string, unknown> };
  };
}

type Validated<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly Issue[] };

interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

export function isObjectSchema<Output>(schema: ObjectSchema<Output> | JsonSchema): schema is ObjectSchema<Output> {
  return "~standard" in schema;
}

export function jsonSchemaOf(schema: ObjectSchema<unknown>): JsonSchema {
  return schema["~standard"].jsonSchema.input({ target: "draft-2020-12" });
}

/** Returns what is wrong with a value, and where in it, as one line. */
export function problemsOf(issues: readonly Issue[]): string {
  const keyOf = (part: PropertyKey | { readonly key: PropertyKey }) =>
    String(typeof part === "object" ? part.key : part);
  const at = (path: Issue["path"]) => (path?.length ? `${path.map(keyOf).join(".")}: ` : "");
  return issues.map(({ message, path }) => `${at(path)}${message}`).join("; ");
}
