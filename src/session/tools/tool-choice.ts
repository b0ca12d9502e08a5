/** Chooses the tools for a request if the definitions of all tools would be too large together. */
import { largest } from "../../core/lists/long-lists.js";
import type { ToolDefinition } from "../../core/messages.js";
import type { HubTool } from "../../core/ports.js";
import { toolTokens } from "../../log/folds/estimate.js";

export interface ToolLimits {
  /** Maximum total size of the tool definitions that every request contains, in tokens. */
  maxTokens: number;
  /** Maximum number of tools that the provider accepts in a request. */
  maxTools: number;
}

/**
 * Numbers of reserved positions in a request: `hostTools` for tools of the host, and at most `maxFoundTools` for tools that the model finds
 * later.
 */
const hostTools = 2;
const maxFoundTools = 32;

/** Returns true if a request has room for all these tools and one more tool of the host. */
export function fitsAll(tools: readonly HubTool[], { maxTokens, maxTools }: ToolLimits): boolean {
  return tools.length < maxTools && tools.reduce((sum, tool) => sum + toolTokens(tool), 0) <= maxTokens;
}

/**
 * Returns the tools that every request contains, in the order of the list. Takes one tool of each server in turn, as long as the tools fit.
 * Tools in `sent` were sent before, so they are taken first. The choice does not depend on the prompt, so that all requests begin with the
 * same bytes.
 */
export function firstTools(
  tools: readonly HubTool[],
  { maxTokens, maxTools }: ToolLimits,
  sent: { has(name: string): boolean } = new Set(),
): HubTool[] {
  const servers = new Set(tools.map(({ server }) => server));
  const byServer = [...servers].map((server) => tools.filter((tool) => tool.server === server));
  const longest = Math.max(0, largest(byServer.map(({ length }) => length)));
  const inTurn = Array.from({ length: longest }, (_, index) => byServer.flatMap((own) => own[index] ?? [])).flat();
  const chosen = new Set<HubTool>();
  const maxCount = Math.max(0, maxTools - hostTools - roomForFound(maxTools));
  let tokens = 0;
  const wasSent = ({ name }: HubTool) => sent.has(name);
  for (const tool of [...inTurn.filter(wasSent), ...inTurn.filter((each) => !wasSent(each))]) {
    if (chosen.size === maxCount) break;
    if (tokens + toolTokens(tool) > maxTokens) continue;
    tokens += toolTokens(tool);
    chosen.add(tool);
  }
  return tools.filter((tool) => chosen.has(tool));
}

/**
 * Returns those of the found tools that stay in requests, the oldest first. If they become too many or too large, the older half is dropped
 * at once. The tools then change less often, so that more requests begin with the same bytes and use the provider's prompt cache.
 */
export function foundTools(found: Iterable<HubTool>, { maxTokens, maxTools }: ToolLimits): HubTool[] {
  let kept: HubTool[] = [];
  let tokens = 0;
  for (const tool of found) {
    kept.push(tool);
    tokens += toolTokens(tool);
    while (kept.length > 1 && (kept.length > roomForFound(maxTools) || tokens > maxTokens)) {
      kept = kept.slice(Math.floor(kept.length / 2));
      tokens = kept.reduce((sum, each) => sum + toolTokens(each), 0);
    }
  }
  return kept;
}

function roomForFound(maxTools: number): number {
  return Math.min(maxFoundTools, Math.ceil(maxTools / 4));
}

/** Estimates how many tokens the definition of a tool adds to each request that contains it. */
export function tokensOfTool(tool: ToolDefinition): number {
  return Math.ceil(toolTokens(tool));
}
