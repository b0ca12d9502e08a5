/** Forms that MCP servers may show to the user. A form is a flat object of texts, numbers, booleans and choices. */
import type { JsonSchema } from "../../core/messages.js";

interface FieldChoice {
  value: string;
  label: string;
}

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
    | { kind: "choice"; choices: readonly FieldChoice[]; initial: string }
    | { kind: "choices"; choices: readonly FieldChoice[]; min: number; max: number; initial: readonly string[] }
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
    field(name, record(property), required.has(name)),
  );
}

function field(name: string, property: JsonSchema, isRequired: boolean): FormField {
  const base = { name, label: text(property.title) || name, description: text(property.description), isRequired };
  const choices = choicesOf(property);
  if (choices) return { ...base, kind: "choice", choices, initial: text(property.default) };
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
      const offered = choicesOf(record(property.items)) ?? [];
      return { ...base, kind: "choices", choices: offered, ...bounds, initial: texts(property.default) };
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

/**
 * Reads the choices of a field from `enum`, with `enumNames` as their titles, or from titled constants in `oneOf` (for a list: in `anyOf`).
 */
function choicesOf({ enum: values, enumNames, oneOf, anyOf }: JsonSchema): FieldChoice[] | undefined {
  const names = texts(enumNames);
  if (Array.isArray(values)) return texts(values).map((value, index) => ({ value, label: names[index] ?? value }));
  const titled = Array.isArray(oneOf) ? oneOf : anyOf;
  if (!Array.isArray(titled)) return undefined;
  return titled.map(record).map((each) => ({ value: text(each.const), label: text(each.title) || text(each.const) }));
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
      const chosen = data.getAll(name).map(String);
      return chosen.length > 0 || field.isRequired ? chosen : undefined;
    }
    case "number":
      return given === "" ? undefined : Number(given);
    case "choice":
      return given === "" ? undefined : given;
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
