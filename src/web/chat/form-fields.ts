/**
 * Forms for values of a schema: those that MCP servers show to the user, which are flat objects of texts, numbers, booleans and choices, and
 * the arguments of tools. Values of other kinds are written as JSON.
 */
import { asObjects } from "../../core/json.js";
import type { JsonSchema } from "../../core/messages.js";
import { type FormChoice, formChoices } from "../../core/schemas/form-choices.js";

interface FieldBase {
  name: string;
  label: string;
  description: string;
  isRequired: boolean;
}

export type FormField = FieldBase &
  (
    | { kind: "text"; type: TextType; pattern?: string; minLength?: number; maxLength?: number; initial: string }
    | { kind: "number"; isWhole: boolean; min?: number; max?: number; initial: string }
    | { kind: "flag"; initial: boolean }
    | { kind: "choice"; choices: readonly FormChoice[]; initial: string }
    | { kind: "choices"; choices: readonly FormChoice[]; min: number; max: number; initial: readonly string[] }
    | { kind: "json"; initial: string }
  );

/** Types of an input element whose values the browser validates. */
type TextType = "text" | "email" | "url" | "date" | "datetime-local";

const inputTypes: Record<string, TextType> = {
  email: "email",
  uri: "url",
  date: "date",
  "date-time": "datetime-local",
};

export function formFields(schema: JsonSchema): FormField[] {
  const required = new Set(texts(schema.required));
  return Object.entries(record(schema.properties)).map(([name, property]) =>
    field(name, withoutNull(record(property)), required.has(name)),
  );
}

/** Returns the schema of the value that is not null, if there is only one such schema. An empty field then gives no value. */
function withoutNull(property: JsonSchema): JsonSchema {
  const types = texts(property.type).filter((type) => type !== "null");
  if (types.length === 1) return { ...property, type: types[0] };
  const alternatives = asObjects(property.anyOf);
  const [only] = alternatives.filter(({ type }) => type !== "null");
  return only && alternatives.length === 2 && alternatives.some(({ type }) => type === "null")
    ? { ...property, anyOf: undefined, ...only }
    : property;
}

/** True if only JSON can express the values: they are objects, or a definition elsewhere in the schema says what they are. */
function isStructured({ type, $ref, anyOf, oneOf }: JsonSchema): boolean {
  return type === "object" || (type === undefined && [$ref, anyOf, oneOf].some((each) => each !== undefined));
}

function field(name: string, property: JsonSchema, isRequired: boolean): FormField {
  const base = { name, label: text(property.title) || name, description: text(property.description), isRequired };
  const choices = formChoices(property);
  if (choices.length > 0 && property.type !== "array") {
    return { ...base, kind: "choice", choices, initial: String(property.default ?? "") };
  }
  if (isStructured(property) || (property.type === "array" && choices.length === 0)) {
    return { ...base, kind: "json", initial: property.default ? JSON.stringify(property.default) : "" };
  }
  switch (property.type) {
    case "boolean":
      return { ...base, kind: "flag", initial: property.default === true };
    case "number":
    case "integer": {
      const initial = typeof property.default === "number" ? String(property.default) : "";
      const bounds = { min: number(property.minimum), max: number(property.maximum) };
      return { ...base, kind: "number", isWhole: property.type === "integer", ...bounds, initial };
    }
    case "array": {
      const bounds = {
        min: number(property.minItems) ?? 0,
        max: number(property.maxItems) ?? Number.POSITIVE_INFINITY,
      };
      const initial = Array.isArray(property.default) ? property.default.map(String) : [];
      return { ...base, kind: "choices", choices, ...bounds, initial };
    }
    default: {
      const type = inputTypes[text(property.format)] ?? "text";
      const bounds = { minLength: number(property.minLength), maxLength: number(property.maxLength) };
      // In a schema, a pattern may match any part of the text. In an input element, the pattern must match the whole text, so it is
      // extended here.
      const pattern = text(property.pattern) ? `[\\s\\S]*(?:${text(property.pattern)})[\\s\\S]*` : undefined;
      return { ...base, kind: "text", type, pattern, ...bounds, initial: text(property.default) };
    }
  }
}

/** Returns the fields with the values that were filled in before. Without such values, returns the fields as they are. */
export function filledFields(fields: readonly FormField[], filled: readonly [string, string][]): readonly FormField[] {
  if (filled.length === 0) return fields;
  return fields.map((field): FormField => {
    const values = filled.flatMap(([name, value]) => (name === field.name ? [value] : []));
    if (field.kind === "flag") return { ...field, initial: values.length > 0 };
    return field.kind === "choices" ? { ...field, initial: values } : { ...field, initial: values[0] ?? "" };
  });
}

/** Returns the values that the form sends to the server. Optional fields that were left empty are omitted. */
export function formContent(fields: readonly FormField[], data: FormData): Record<string, unknown> {
  const entries = fields.flatMap((each): [string, unknown][] => {
    const value = givenFor(each, data);
    return value === undefined ? [] : [[each.name, value]];
  });
  return Object.fromEntries(entries);
}

function givenFor(field: FormField, data: FormData): unknown {
  const { name, kind } = field;
  const given = String(data.get(name) ?? "");
  switch (kind) {
    case "flag":
      return data.has(name);
    case "choices": {
      const chosen = new Set(data.getAll(name).map(String));
      const values = field.choices.flatMap(({ value, text }) => (chosen.has(text) ? [value] : []));
      return values.length > 0 || field.isRequired ? values : undefined;
    }
    case "number":
      return given === "" ? undefined : Number(given);
    case "json":
      return given.trim() === "" ? undefined : JSON.parse(given);
    case "choice":
      return field.choices.find(({ text }) => text === given)?.value;
    case "text": {
      if (given === "" && !field.isRequired) return undefined;
      return field.type === "datetime-local" ? new Date(given).toISOString() : given;
    }
  }
}

/** Returns the first problem in the values that the browser does not check itself. The text contains the name of the field. */
export function formProblem(
  fields: readonly FormField[],
  data: FormData,
): { name: string; problem: string } | undefined {
  for (const each of fields) {
    if (each.kind !== "choices") continue;
    const chosen = data.getAll(each.name).length;
    const isEmpty = chosen === 0 && !each.isRequired;
    if (!isEmpty && chosen < each.min) return { name: each.name, problem: `Choose at least ${each.min}.` };
    if (chosen > each.max) return { name: each.name, problem: `Choose at most ${each.max}.` };
  }
  return undefined;
}

function record(value: unknown): JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonSchema) : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
