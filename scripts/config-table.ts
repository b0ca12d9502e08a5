/** Makes the table of settings in docs/configuration.md from the schema that checks them. */
import type { SchemaNode } from "../src/config/schema/config-schema.js";

/** Sections of the table by the beginning of their keys. A longer beginning comes before a shorter one that also fits. */
const sections = [
  "llm.http",
  "llm.prices",
  "llm.providers",
  "llm",
  "chat.service",
  "chat.limits",
  "chat.storage",
  "chat",
  "serve",
  "logging",
  "telemetry",
  "mcpServers",
  "mcp",
];

/**
 * Returns Markdown tables, one for each section, with one row for each key: `key | default | meaning`. `<name>` is a name that the user
 * chooses.
 */
export function configTable(schema: SchemaNode): string {
  const bySection = new Map<string, string[]>();
  for (const row of rows(schema, "")) {
    const section = sections.find((prefix) => row.startsWith(`| \`${prefix}.`));
    if (section === undefined) throw new Error(`in no section of scripts/config-table.ts: ${row}`);
    bySection.set(section, [...(bySection.get(section) ?? []), row]);
  }
  const tables = [...bySection].map(([section, those]) =>
    [`### \`${section}\``, "", "| key | default | meaning |", "|---|---|---|", ...those].join("\n"),
  );
  return `\n${tables.join("\n\n")}\n`;
}

function rows(node: SchemaNode, path: string): string[] {
  const below = Object.entries(node.properties ?? {}).flatMap(([key, child]) =>
    rows(child, path ? `${path}.${key}` : key),
  );
  const named = node.additionalProperties;
  if (typeof named === "object" && named.properties) return rows(named, `${path}.<name>`);
  if (below.length > 0 && node.type === "object") return below;
  return [`| \`${path}\` | ${defaultOf(node)} | ${meaning(node)} |`];
}

function defaultOf({ default: value }: SchemaNode): string {
  if (value === undefined) return "";
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}

function meaning({ description = "", enum: choices }: SchemaNode): string {
  const text = choices ? `${description} One of ${choices.map((choice) => `\`${choice}\``).join(", ")}.` : description;
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}
