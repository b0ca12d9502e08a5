import type { JsonSchema } from "../../core/messages.js";
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
  enum?: unknown[];
  oneOf?: { const: unknown; title?: string }[];
  items?: SchemaField;
}

/** Maximum number of columns of a field's line, so that the server's name at the start of the line stays visible. */
const maxColumns = 400;

/**
 * Asks for the fields of an MCP form elicitation, one line for each field. An empty line uses the field's default value, or skips an
 * optional field. `!` declines the form. https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation
 */
export async function askForm(editor: Asker, { server, message, form }: Form, signal: AbortSignal): Promise<object> {
  const fields = Object.entries((form.properties ?? {}) as Record<string, SchemaField>);
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
    choices(field)
      .map(({ value, title }) => (title && title !== value ? `${value} (${title})` : value))
      .join(" | "),
    field.default === undefined ? "" : `default ${JSON.stringify(field.default)}`,
  ].filter(Boolean);
  const what = field.description ? `${field.title ?? name} – ${field.description}` : (field.title ?? name);
  return facts.length > 0 ? `${what} [${facts.join("; ")}]` : what;
}

function choices({ enum: values = [], oneOf = [], items }: SchemaField): { value: string; title?: string }[] {
  const own = [...values.map((value) => ({ value: String(value) })), ...oneOf.map(choiceOf)];
  return own.length > 0 || !items ? own : choices(items);
}

function choiceOf({ const: value, title }: { const: unknown; title?: string }): { value: string; title?: string } {
  return { value: String(value), title };
}

function readField(text: string, field: SchemaField): { value: unknown } | { problem: string } {
  const known = choices(field).map(({ value }) => value);
  const entered = field.type === "array" ? text.split(",").map((part) => part.trim()) : [text];
  const strange = known.length > 0 ? entered.find((part) => !known.includes(part)) : undefined;
  if (strange !== undefined) return { problem: `"${strange}" is none of: ${known.join(", ")}` };
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
