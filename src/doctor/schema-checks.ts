/** Checks whether a provider accepts the servers' tool schemas without changes. */

import { isDeepStrictEqual } from "node:util";
import type { JsonSchema, ToolDefinition } from "../core/messages.js";
import type { Provider } from "../llm/providers/providers.js";
import { fullSchema, plainSchema } from "../llm/wires/shared/tool-schemas.js";
import { type Finding, ok, warn } from "./finding.js";

const mostNamed = 5;

export function schemaFindings(
  { name, quirks }: Pick<Provider, "name" | "quirks">,
  tools: readonly ToolDefinition[],
): Finding[] {
  if (tools.length === 0) return [];
  const isPlain = quirks.toolSchemas === "plain";
  const simplified = isPlain ? tools.filter(({ inputSchema }) => saysLess(inputSchema)) : [];
  const refused = isPlain ? [] : tools.filter(({ inputSchema }) => oddityOf(inputSchema) !== undefined);
  const tooMany = tools.length - quirks.maxTools;
  const findings = [
    ...refused
      .slice(0, mostNamed)
      .map((tool) =>
        warn(
          "schemas",
          `${tool.name}: ${oddityOf(tool.inputSchema)}; if a provider refuses that, it is asked without this tool`,
          `if ${name} refuses it, set llm.providers.${name}.quirks.tool_schemas to plain`,
        ),
      ),
    ...(tooMany > 0
      ? [
          warn(
            "schemas",
            `${tools.length} tools are too many: the last ${tooMany} are not sent`,
            `offer fewer with mcpServers.*.tools.allow, or raise llm.providers.${name}.quirks.max_tools`,
          ),
        ]
      : []),
  ];
  if (findings.length > 0) return findings;
  const plain =
    simplified.length > 0 ? `, ${simplified.length} of them with simplified schemas (${listed(simplified)})` : "";
  return [ok("schemas", `takes all ${tools.length} tools${plain}`)];
}

function listed(tools: readonly ToolDefinition[]): string {
  const names = tools.slice(0, mostNamed).map(({ name }) => name);
  return [...names, ...(tools.length > mostNamed ? ["…"] : [])].join(", ");
}

function saysLess(schema: JsonSchema): boolean {
  const { properties = {}, ...rest } = fullSchema(schema);
  const isEmpty = Object.keys(properties as object).length === 0;
  return !isDeepStrictEqual(plainSchema(schema), isEmpty ? rest : { ...rest, properties });
}

/**
 * Describes the keyword of the schema's root that OpenAI and Anthropic reject with status 400, although other providers accept it. Undefined if
 * the root has no such keyword.
 */
function oddityOf(schema: JsonSchema): string | undefined {
  const branches = ["oneOf", "anyOf", "allOf", "not", "enum"].find((word) => word in schema);
  return branches && `its schema has ${branches} at the root`;
}
