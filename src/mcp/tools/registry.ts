/**
 * The tools, prompts and resources of all servers together, under the names that the model sees. The registry is rebuilt whenever a list
 * changes.
 */
import { isServerHidden, readOf } from "../../core/patterns/hidden-servers.js";
import type { HubTool, NamedTool, PromptInfo, ResourceInfo } from "../../core/ports.js";
import { isOffered, isReadable } from "../lists/tool-facts.js";
import type { SupervisedServer } from "../server/supervised-server.js";
import { catalogue, type Offers } from "./catalogue.js";
import { namedPrompts } from "./prompts.js";
import { type RegisteredTool, toolsOf } from "./registered-tool.js";
import { resourceTool } from "./resource-tool.js";
import type { ToolOrder } from "./tool-order.js";

export interface Registry {
  tools: readonly HubTool[];
  byName: ReadonlyMap<string, RegisteredTool>;
  prompts: readonly PromptInfo[];
  resources: readonly ResourceInfo[];
  servers: readonly string[];
  catalogue: string;
  offers: Offers;
}

const maxCatalogueChars = 4000;

/**
 * Builds the registry from the servers' lists. Servers have the order of the configuration, and items the order of their server's list.
 * Tools are then sorted by `order`.
 */
export function buildRegistry(servers: readonly SupervisedServer[], order: ToolOrder): Registry {
  const byName = new Map<string, RegisteredTool>();
  for (const tool of [...servers.flatMap(toolsOf), ...resourceTool(servers)]) {
    byName.set(tool.definition.name, tool);
  }
  const prompts = namedPrompts(servers).map(({ name, server, prompt: { extras: _, ...prompt } }) => ({
    ...prompt,
    name,
    server: server.config.name,
  }));
  const resources = servers.flatMap(({ config: { name: server }, lists }) =>
    lists.resources.map(({ extras: _, ...resource }) => ({ ...resource, server })),
  );
  const offers = offersOf(servers, { prompts, resources });
  return {
    tools: order.sorted([...byName.values()].map((tool) => tool.definition)),
    byName,
    prompts,
    resources,
    servers: servers.map(({ config }) => config.name),
    catalogue: catalogue(offers, maxCatalogueChars),
    offers,
  };
}

/**
 * Returns the entries of the catalogue that the configuration allows. Leaves out servers whose tools are all denied, and resources that
 * must not be read.
 */
function offersOf(servers: readonly SupervisedServer[], { prompts, resources }: Omit<Offers, "instructions">): Offers {
  const isUsable = ({ config, lists }: SupervisedServer) =>
    lists.tools.length === 0 || lists.tools.some((tool) => isOffered(config, tool));
  const namesOf = (some: readonly SupervisedServer[]) => new Set(some.map(({ config }) => config.name));
  const usable = namesOf(servers.filter(isUsable));
  const readable = namesOf(servers.filter(isReadable));
  const instructions = servers.map(({ config, lists }) => ({ server: config.name, text: lists.instructions }));
  return {
    instructions: instructions.filter(({ server }) => usable.has(server)),
    prompts: prompts.filter(({ server }) => usable.has(server)),
    resources: resources.filter(({ server }) => readable.has(server)),
  };
}

/** Returns the catalogue without the servers whose tools are all hidden, and without the resources that the model cannot read. */
export function visibleCatalogue(
  { tools, servers, offers, catalogue: whole }: Registry,
  isHidden: (tool: NamedTool) => boolean,
): string {
  const unreadable = new Set(servers.filter((server) => isHidden(readOf(server))));
  const unusable = new Set(servers.filter((server) => isServerHidden(server, tools, isHidden)));
  if (unreadable.size + unusable.size === 0) return whole;
  const { instructions, prompts, resources } = offers;
  const visible = {
    instructions: instructions.filter(({ server }) => !unusable.has(server)),
    prompts: prompts.filter(({ server }) => !unusable.has(server)),
    resources: resources.filter(({ server }) => !unreadable.has(server)),
  };
  return catalogue(visible, maxCatalogueChars);
}
