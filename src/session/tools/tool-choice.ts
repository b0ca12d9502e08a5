/** Chooses the tools that a request contains if all of them would cost too much. */
import type { HubTool } from "../../core/ports.js";
import { toolTokens } from "../../log/folds/estimate.js";

export interface ToolLimits {
  /** Maximum size of all tool definitions that requests contain from the start, in tokens. */
  maxTokens: number;
  /** Maximum number of tool definitions that the provider accepts. */
  maxTools: number;
}

/** Number of positions reserved for the host's own tools (`hostTools`), and at most for tools that are found later (`maxFoundTools`). */
const hostTools = 2;
const maxFoundTools = 32;

/** True if all tools fit into a request together with one tool of the host. */
export function fitsAll(tools: readonly HubTool[], { maxTokens, maxTools }: ToolLimits): boolean {
  return tools.length < maxTools && tools.reduce((sum, tool) => sum + toolTokens(tool), 0) <= maxTokens;
}

/**
 * Returns the tools that are sent with every request, in the order of the list. They are chosen in turns, one tool of each server at a
 * time, as long as they fit; tools that were `sent` before are chosen first. The choice does not depend on the prompt, so that requests
 * begin with the same bytes.
 */
export function firstTools(
  tools: readonly HubTool[],
  { maxTokens, maxTools }: ToolLimits,
  sent: { has(name: string): boolean } = new Set(),
): HubTool[] {
  const servers = new Set(tools.map(({ server }) => server));
  const byServer = [...servers].map((server) => tools.filter((tool) => tool.server === server));
  const longest = Math.max(0, ...byServer.map(({ length }) => length));
  const inTurn = Array.from({ length: longest }, (_, place) => byServer.flatMap((own) => own[place] ?? [])).flat();
  const chosen = new Set<HubTool>();
  const maxCount = Math.max(0, maxTools - hostTools - foundPlaces(maxTools));
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
 * Returns the found tools that are kept, the oldest first. If they get too many or too large, the older half is dropped at once. So later
 * requests begin alike for as long as possible.
 */
export function foundTools(found: Iterable<HubTool>, { maxTokens, maxTools }: ToolLimits): HubTool[] {
  let kept: HubTool[] = [];
  let tokens = 0;
  for (const tool of found) {
    kept.push(tool);
    tokens += toolTokens(tool);
    while (kept.length > 1 && (kept.length > foundPlaces(maxTools) || tokens > maxTokens)) {
      kept = kept.slice(Math.floor(kept.length / 2));
      tokens = kept.reduce((sum, each) => sum + toolTokens(each), 0);
    }
  }
  return kept;
}

function foundPlaces(maxTools: number): number {
  return Math.min(maxFoundTools, Math.ceil(maxTools / 4));
}
