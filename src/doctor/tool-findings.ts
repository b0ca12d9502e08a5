import type { ServerConfig } from "../core/config.js";
import type { ToolDefinition } from "../core/messages.js";
import { globMatches } from "../core/patterns/glob.js";
import { modelName } from "../core/patterns/model-name.js";
import { isCheckable } from "../core/schemas/argument-check.js";
import { didYouMean } from "../core/text/nearest.js";
import { toolTokens } from "../log/folds/estimate.js";
import type { ServerLists } from "../mcp/lists/server-lists.js";
import { isDenied, isOffered } from "../mcp/lists/tool-facts.js";
import { type Finding, ok, warn } from "./finding.js";

export interface ToolCost {
  name: string;
  /** Estimated tokens that the tool's definition takes in each request. */
  tokens: number;
  /** False if the user's tool filter excludes the tool. */
  isOffered: boolean;
  definition: ToolDefinition;
}

export function toolCosts(config: ServerConfig, tools: ServerLists["tools"]): ToolCost[] {
  return tools.map((tool) => {
    const { description, inputSchema } = tool;
    const definition = { name: modelName(config.name, tool.name), description, inputSchema };
    const tokens = Math.round(toolTokens(definition));
    return { name: tool.name, tokens, isOffered: isOffered(config, tool), definition };
  });
}

/**
 * Returns findings about the server's lists. `budgetTokens` is the token limit for the definitions of all tools. If the definitions exceed
 * the limit, the model must search for tools.
 */
export function listFindings(
  config: ServerConfig,
  { tools, problems }: ServerLists,
  costs: readonly ToolCost[],
  budgetTokens: number,
): Finding[] {
  const { name: server } = config;
  const offered = costs.filter((tool) => tool.isOffered);
  const tokens = offered.reduce((sum, tool) => sum + tool.tokens, 0);
  const left = costs.length - offered.length;
  const filtered = left > 0 ? ` (${left} more are filtered)` : "";
  const text = `${offered.length} tools, about ${tokens} tokens in each request${filtered}`;
  const fix = `list the tools that you need in mcpServers.${server}.tools.allow: beyond ${budgetTokens} tokens the model has to search for tools`;
  const summary = tokens > budgetTokens ? warn("tools", text, fix) : ok("tools", text);
  return [summary, ...oddities(config, tools, problems)];
}

function oddities(config: ServerConfig, tools: ServerLists["tools"], problems: readonly string[]): Finding[] {
  const { name: server } = config;
  const names = tools.map(({ name }) => name);
  const isNamedBy = (pattern: string) => (name: string) => globMatches(pattern, name);
  const isDeniedBy = (pattern: string) => (name: string) =>
    isDenied({ ...config, tools: { ...config.tools, deny: [pattern] } }, name);
  const renamed = names.filter((name) => modelName(server, name) !== `${server}__${name}`);
  const silent = tools.filter(({ description }) => description.trim() === "").map(({ name }) => name);
  const unchecked = tools.filter(({ inputSchema }) => !isCheckable(inputSchema)).map(({ name }) => name);
  return [
    ...problems.map((problem) => warn("lists", `left out: ${problem}`, "ask the server's author to fix it")),
    ...(unchecked.length > 0
      ? [
          warn(
            "schemas",
            `the schema of ${unchecked.join(", ")} is not valid, so arguments go to the server unchecked`,
            "ask the server's author to fix it",
          ),
        ]
      : []),
    ...(["allow", "deny", "auto_approve"] as const).flatMap((list) =>
      config.tools[list === "auto_approve" ? "autoApprove" : list]
        .filter((pattern) => !names.some(list === "deny" ? isDeniedBy(pattern) : isNamedBy(pattern)))
        .map((pattern) =>
          warn(
            "filters",
            `tools.${list}: no tool is called ${pattern}${didYouMean(pattern, names)}`,
            `correct mcpServers.${server}.tools.${list}`,
          ),
        ),
    ),
    ...(renamed.length > 0
      ? [
          warn(
            "names",
            `the model sees other names for ${renamed.join(", ")}`,
            `give the server a shorter name of plain letters`,
          ),
        ]
      : []),
    ...(silent.length > 0
      ? [
          warn(
            "descriptions",
            `no description of ${silent.join(", ")}: the model has to guess what they do`,
            "ask the server's author for descriptions, or hide the tools with tools.deny",
          ),
        ]
      : []),
  ];
}
