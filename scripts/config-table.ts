/** The configuration reference of the README, from the schema that checks it. */
import type { SchemaNode } from "../src/config/schema.js";

/** A Markdown table, one row a key: `key | default | meaning`. `<name>` stands for a name of the user's own. */
export function configTable(schema: SchemaNode): string {
  return ["| key | default | meaning |", "|---|---|---|", ...rows(schema, "")].join("\n");
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
