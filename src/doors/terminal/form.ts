import { asObject } from "../../core/json.js";
import type { JsonSchema } from "../../core/messages.js";
import { formChoices } from "../../core/schemas/form-choices.js";
import { unambiguous } from "../../core/text/inert.js";
import { oneLine } from "../shared/terminal.js";
import type { Asker } from "./editor/editor.js";

interface Form {
  server: string;
  message: string;
  form: JsonSchema;
}

interface SchemaField {
  type?: string;
  title?: string;
  description?: string;
  default?: unknown;
  [keyword: string]: unknown;
}

/** Maximum number of columns of a field's line, so that the server's name at the start of the line stays visible. */
const maxColumns = 400;

/**
 * Asks for the fields of an MCP form elicitation, one line for each field. An empty line uses the field's default value, or skips an
 * optional field. `!` declines the form. https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation
 */
export async function askForm(editor: Asker, { server, message, form }: Form, signal: AbortSignal): Promise<object> {
  const fields = Object.entries(asObject(form.properties) ?? {}).map(
    ([name, field]) => [name, fieldOf(field)] as const,
  );
  const required = new Set(Array.isArray(form.required) ? form.required : []);
  const content: Record<string, unknown> = {};
  let head = `${server} asks: ${message} (empty = default, ! = decline)\n`;
  for (const [name, field] of fields) {
    for (;;) {
      const answer = (
        await editor.ask(
          unambiguous(`${head}${server}, ${oneLine(label(name, field, required.has(name)), maxColumns)}: `),
          signal,
        )
      )?.trim();
      head = "";
      if (answer === undefined) return { action: "cancel" };
      if (answer === "!") return { action: "decline" };
      const read = answer === "" ? { value: field.default } : readField(answer, field);
      if ("problem" in read) head = `${read.problem}\n`;
      else if (read.value === undefined && required.has(name)) head = `${name} is required\n`;
      else {
        if (read.value !== undefined) content[name] = read.value;
        break;
      }
    }
  }
  return { action: "accept", content };
}

function label(name: string, field: SchemaField, isRequired: boolean): string {
  const facts = [
    isRequired ? "required" : "",
    formChoices(field)
      .map(({ text, title }) => (title === text ? text : `${text} (${title})`))
      .join(" | "),
    field.default === undefined ? "" : `default ${JSON.stringify(field.default)}`,
  ].filter(Boolean);
  const what = field.description ? `${field.title ?? name} – ${field.description}` : (field.title ?? name);
  return facts.length > 0 ? `${what} [${facts.join("; ")}]` : what;
}

const fieldOf = (value: unknown): SchemaField => asObject(value) ?? {};

function readField(text: string, field: SchemaField): { value: unknown } | { problem: string } {
  const choices = new Map(formChoices(field).map((choice) => [choice.text, choice.value]));
  const entered = field.type === "array" ? text.split(",").map((part) => part.trim()) : [text];
  if (choices.size > 0) {
    const strange = entered.find((part) => !choices.has(part));
    if (strange !== undefined) return { problem: `"${strange}" is not one of: ${[...choices.keys()].join(", ")}` };
    return { value: field.type === "array" ? entered.map((part) => choices.get(part)) : choices.get(text) };
  }
  switch (field.type) {
    case "array":
      return { value: entered };
    case "boolean":
      if (/^(y|yes|true)$/i.test(text)) return { value: true };
      return /^(n|no|false)$/i.test(text) ? { value: false } : { problem: "yes or no is expected" };
    case "integer":
    case "number": {
      const value = Number(text);
      const fits = field.type === "number" ? Number.isFinite(value) : Number.isSafeInteger(value);
      return fits ? { value } : { problem: `${field.type === "number" ? "a number" : "a whole number"} is expected` };
    }
    default:
      return { value: text };
  }
}
