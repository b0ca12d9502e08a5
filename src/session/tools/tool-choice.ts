/** Chooses the tools that a request carries when all of them would cost too much. */
import type { HubTool } from "../../core/ports.js";
import { toolTokens } from "../../history/estimate.js";

export interface ToolLimits {
  /** Limit of all definitions in a request from the start. */
  maxTokens: number;
  /** Maximum number of definitions that the provider takes. */
  maxTools: number;
}

/** Positions reserved for the host's own tools, and for tools found later. */
const hostTools = 2;
const maxFoundTools = 32;

/** True if all tools can be sent along with one of the host. */
export function fitsAll(tools: readonly HubTool[], { maxTokens, maxTools }: ToolLimits): boolean {
  return tools.length < maxTools && tools.reduce((sum, tool) => sum + toolTokens(tool), 0) <= maxTokens;
}

/**
 * Returns the tools that are always sent, in the order of the list: those `sent` before, then the next tool of each server in turn, as long
 * as it fits. Independent of the prompt, so that requests begin with the same bytes.
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
 * Returns found tools, oldest first. When they get too many or too large, the older half is dropped at once, so that later requests begin
 * alike for as long as possible.
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
