/** The tool with which a model searches for tools that its requests do not contain. */

import type MiniSearch from "minisearch";
import { loadOnce } from "../../core/files/load-once.js";
import { isPlainObject } from "../../core/json.js";
import type { JsonSchema } from "../../core/messages.js";
import type { HubTool } from "../../core/ports.js";
import { headOf } from "../../core/text/excerpt.js";
import { type HostTool, hostDefinition, textContent } from "./host-tool.js";

const defaultLimit = 5;
const maxLimit = 20;
const maxNamedServers = 30;
const descriptionBytes = 300;
/** Limits of what is searched, so that a long query or description does not hold up the host. */
const longestQuery = 1_000;
const mostQueryWords = 30;
const longestIndexed = 4_000;

const inputSchema: JsonSchema = {
  type: "object",
  properties: {
    query: { type: "string", description: "What the tool is to do, in a few words, or a tool's name." },
    limit: { type: "integer", minimum: 1, maximum: maxLimit, default: defaultLimit },
  },
  required: ["query"],
};

/**
 * Builds the search tool. `tools` are the tools that it searches. The definition of the search tool changes only if the names of their
 * servers change.
 */
export function findTools(tools: readonly HubTool[]): HostTool {
  return {
    definition: hostDefinition(
      "find_tools",
      `Finds more tools. There are many more than you see, of these servers: ${serversOf(tools)}. The tools it finds can be called from then on.`,
      inputSchema,
    ),
    async run({ query, limit }) {
      if (typeof query !== "string" || query.trim() === "") throw new TypeError("query: a text is needed");
      const most = Number.isInteger(limit) ? Math.min(maxLimit, Math.max(1, Number(limit))) : defaultLimit;
      const found = await search(tools, query, most);
      if (found.length === 0) {
        return {
          content: textContent(`no tool matches; try other words. Servers: ${serversOf(tools)}`),
          isError: false,
        };
      }
      const lines = found.map(({ name, description }) => `${name}: ${headOf(description, descriptionBytes)}`);
      return {
        content: textContent(`These tools can be called now:\n${lines.join("\n")}`),
        isError: false,
        found: found.map(({ name }) => name),
      };
    },
  };
}

function serversOf(tools: readonly HubTool[]): string {
  const names = [...new Set(tools.map(({ server }) => server))];
  const more = names.length > maxNamedServers ? ` and ${names.length - maxNamedServers} more` : "";
  return names.slice(0, maxNamedServers).join(", ") + more;
}

/** Returns the tools that have exactly this name, followed by other tools in the order of their BM25 score. */
async function search(tools: readonly HubTool[], query: string, limit: number): Promise<HubTool[]> {
  const named = tools.filter(({ name, tool }) => query.trim() === name || query.trim() === tool);
  const index = await indexOf(tools);
  const searched = wordsOf(query.slice(0, longestQuery)).slice(0, mostQueryWords).join(" ");
  const ranked = index.search(searched).flatMap(({ id }) => tools[id] ?? []);
  return [...new Set([...named, ...ranked])].slice(0, limit);
}

const indexes = new WeakMap<readonly HubTool[], MiniSearch>();

async function indexOf(tools: readonly HubTool[]): Promise<MiniSearch> {
  const { default: Index } = await loadMiniSearch();
  const index = indexes.get(tools) ?? buildIndex(Index, tools);
  indexes.set(tools, index);
  return index;
}

/** Most hosts never search, so the library is loaded at the first search. */
const loadMiniSearch = loadOnce(() => import("minisearch"));

function buildIndex(Index: typeof MiniSearch, tools: readonly HubTool[]): MiniSearch {
  const index = new Index({
    fields: ["name", "description", "parameters"],
    tokenize: wordsOf,
    searchOptions: { boost: { name: 3, description: 1.5 }, prefix: true, fuzzy: 0.15 },
  });
  index.addAll(
    tools.map(({ name, description, inputSchema: { properties } }, id) => ({
      id,
      name,
      description: description.slice(0, longestIndexed),
      parameters: Object.keys(isPlainObject(properties) ? properties : {})
        .join(" ")
        .slice(0, longestIndexed),
    })),
  );
  return index;
}

/** Splits a name or text into words, so that `listOpenIssues`, `list_open_issues` and `list open issues` give the same words. */
function wordsOf(text: string): string[] {
  return text.replaceAll(/(\p{Ll}|\d)(\p{Lu})/gu, "$1 $2").match(/\p{L}+|\p{N}+/gu) ?? [];
}
